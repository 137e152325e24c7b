// go-pq-cdc, which writes each change as a line of JSON to standard output. It ends once COUNT changes came; 0: never.
//
// capture HOST PORT USER DATABASE SLOT PUBLICATION COUNT
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strconv"

	cdc "github.com/Trendyol/go-pq-cdc"
	"github.com/Trendyol/go-pq-cdc/config"
	"github.com/Trendyol/go-pq-cdc/pq/message/format"
	"github.com/Trendyol/go-pq-cdc/pq/publication"
	"github.com/Trendyol/go-pq-cdc/pq/replication"
	"github.com/Trendyol/go-pq-cdc/pq/slot"
)

const (
	host = iota + 1
	port
	user
	database
	slotName
	publicationName
	count
	argumentCount
)

const acknowledgeEach = 1000 // messages: each would be a packet to the server

type event struct {
	Operation string         `json:"op"`
	Schema    string         `json:"schema"`
	Table     string         `json:"table"`
	Before    map[string]any `json:"before,omitempty"`
	After     map[string]any `json:"after,omitempty"`
}

func configuration(arguments []string) config.Config {
	return config.Config{
		Host:        net.JoinHostPort(arguments[host], arguments[port]),
		Username:    url.QueryEscape(arguments[user]),
		Password:    url.QueryEscape(os.Getenv("PGPASSWORD")),
		Database:    arguments[database],
		Publication: publication.Config{Name: arguments[publicationName]},
		Slot:        slot.Config{Name: arguments[slotName], SlotActivityCheckerInterval: 1000},
		Metric:      config.MetricConfig{Port: -1}, // no server of metrics, which would listen on every address
		Logger:      config.LoggerConfig{LogLevel: slog.LevelError + 1},
	}
}

// eventOf is nil for what is no change of a row.
func eventOf(message any) *event {
	switch change := message.(type) {
	case *format.Insert:
		return &event{"c", change.TableNamespace, change.TableName, nil, change.Decoded}
	case *format.Update:
		return &event{"u", change.TableNamespace, change.TableName, change.OldDecoded, change.NewDecoded}
	case *format.Delete:
		return &event{"d", change.TableNamespace, change.TableName, change.OldDecoded, nil}
	}
	return nil
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// listener writes what it is given. Where changes are counted it flushes at the end, else each change at once.
func listener(expected int) replication.ListenerFunc {
	output := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(output)
	written, received := 0, 0
	return func(ctx *replication.ListenerContext) {
		if one := eventOf(ctx.Message); one != nil {
			fail(encoder.Encode(one))
			written++
			if expected == 0 || written == expected {
				fail(output.Flush())
			}
		}
		if received++; received%acknowledgeEach == 0 {
			fail(ctx.Ack())
		}
		if expected != 0 && written == expected {
			os.Exit(0) // to end in order takes it half a second
		}
	}
}

func main() {
	if len(os.Args) != argumentCount {
		fail(fmt.Errorf("%d arguments, not %d", len(os.Args)-1, argumentCount-1))
	}
	expected, err := strconv.Atoi(os.Args[count])
	fail(err)
	ctx := context.Background()
	connector, err := cdc.NewConnector(ctx, configuration(os.Args), listener(expected))
	fail(err)
	connector.Start(ctx)
}
