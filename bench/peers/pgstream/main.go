// pgstream's own listeners, with a processor that writes each event as a line of JSON to standard output, as its processor for Kafka
// encodes it. It is stopped once COUNT events came; 0: never.
//
//	capture HOST PORT USER DATABASE SSLMODE SLOT backfill|replication|latency COUNT TABLES
//
// The slot is one of wal2json. The password comes from PGPASSWORD.
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bytedance/sonic"
	pgsnapshot "github.com/xataio/pgstream/pkg/snapshot/generator/postgres/data"
	"github.com/xataio/pgstream/pkg/wal"
	"github.com/xataio/pgstream/pkg/wal/checkpointer/postgres"
	pglistener "github.com/xataio/pgstream/pkg/wal/listener/postgres"
	"github.com/xataio/pgstream/pkg/wal/listener/snapshot/adapter"
	"github.com/xataio/pgstream/pkg/wal/listener/snapshot/builder"
	pgreplication "github.com/xataio/pgstream/pkg/wal/replication/postgres"
)

const (
	bufferBytes     = 1 << 20
	checkpointEvery = time.Second
	flushAfter      = time.Millisecond
)

var errComplete = errors.New("all events came")

// Several workers of a snapshot call it at the same time.
type lines struct {
	mutex    sync.Mutex
	output   *bufio.Writer
	count    int64
	expected int64
	written  chan struct{}

	confirm   func(context.Context, []wal.CommitPosition) error
	confirmed time.Time
}

func (l *lines) ProcessWALEvent(ctx context.Context, event *wal.Event) error {
	if event.Data != nil && strings.Contains("IUD", event.Data.Action) {
		line, err := sonic.Marshal(event.Data)
		if err != nil {
			return err
		}
		if err := l.write(append(line, '\n')); err != nil {
			return err
		}
	}
	if l.confirm == nil || time.Since(l.confirmed) < checkpointEvery {
		return nil
	}
	l.confirmed = time.Now()
	if err := l.flush(); err != nil {
		return err
	}
	return l.confirm(ctx, []wal.CommitPosition{event.CommitPosition})
}

func (l *lines) write(line []byte) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if _, err := l.output.Write(line); err != nil {
		return err
	}
	l.count++
	select {
	case l.written <- struct{}{}:
	default: // it was told before
	}
	if l.count == l.expected && l.confirm != nil {
		return errComplete
	}
	return nil
}

func (l *lines) flush() error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.output.Flush()
}

// What comes one by one is not kept.
func (l *lines) flushSoon() {
	for range l.written {
		time.Sleep(flushAfter)
		if err := l.flush(); err != nil {
			log.Fatal(err)
		}
	}
}

func (l *lines) Close() error { return nil }
func (l *lines) Name() string { return "lines" }

// The workers and the bytes of a batch are the defaults, as in all of its manual's examples: four tables, and four workers for each.
func backfill(ctx context.Context, url string, tables []string, output *lines) error {
	generator, err := builder.NewSnapshotGenerator(ctx, &builder.SnapshotListenerConfig{
		Data:                    &pgsnapshot.Config{URL: url},
		Adapter:                 adapter.SnapshotConfig{Tables: tables},
		DisableProgressTracking: true,
	}, output, nil, nil)
	if err != nil {
		return err
	}
	return generator.CreateSnapshot(ctx)
}

func replicate(ctx context.Context, url, slot string, output *lines) error {
	handler, err := pgreplication.NewHandler(ctx, pgreplication.Config{PostgresURL: url, ReplicationSlotName: slot})
	if err != nil {
		return err
	}
	defer handler.Close()
	output.confirm, output.confirmed = postgres.New(handler).SyncLSN, time.Now()
	err = pglistener.New(handler, output.ProcessWALEvent).Listen(ctx)
	if errors.Is(err, errComplete) {
		return nil
	}
	return err
}

func run(words []string) error {
	expected, err := strconv.ParseInt(words[7], 10, 64)
	if err != nil {
		return err
	}
	url := fmt.Sprintf("postgres://%s@%s:%s/%s?sslmode=%s", words[2], words[0], words[1], words[3], words[4])
	output := &lines{output: bufio.NewWriterSize(os.Stdout, bufferBytes), expected: expected, written: make(chan struct{}, 1)}
	if words[6] == "backfill" {
		err = backfill(context.Background(), url, strings.Split(words[8], ","), output)
	} else {
		go output.flushSoon()
		err = replicate(context.Background(), url, words[5], output)
	}
	if err != nil {
		return err
	}
	if output.count != expected {
		return fmt.Errorf("%d events came, not %d", output.count, expected)
	}
	return output.flush()
}

func main() {
	log.SetFlags(0)
	if err := run(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}
