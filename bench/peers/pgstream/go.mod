module bench/peers/pgstream

go 1.25.5

require (
	github.com/bytedance/sonic v1.15.0
	github.com/xataio/pgstream v0.9.5
)
