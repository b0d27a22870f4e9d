package engine

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"sluice/core/budget"
	"sluice/core/logrotate"
	"sluice/core/reactor"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// The names of the two streams, of their live files and in their records.
const (
	stdoutName = "stdout"
	stderrName = "stderr"
)

// retryAfter is how often a stream tries again to write where that fails. It changes
// only in tests.
var retryAfter = time.Second

// configured changes what a stream is made of; only tests set it.
var configured func(*stream.Config)

// Descriptors are what a container writes into: opened O_RDWR and close-on-exec.
// The receiver takes them.
type Descriptors struct{ Stdout, Stderr int }

// entry is a stream that is served, or is to be, with what the engine keeps for it.
type entry struct {
	reactor.Served
	engine  *Engine
	id      string // in the state directory
	box     *sharedSandbox
	as      worker.Identity // of the task's user
	account *budget.Account // its part of the budget; nil where there is none
	isNew   bool            // its record was not saved yet
}

// beginStream makes what the state directory has of a stream, but for the record.
func (e *Engine) beginStream(launch Launch, box *sharedSandbox, identity worker.Identity, name string, s settings.Stream) (made *entry, err error) {
	id := e.newID(launch.ContainerID, name)
	if err := e.state.MakeFIFO(id, identity.UID, identity.GID); err != nil {
		return nil, err
	}
	pipe := -1
	defer func() {
		if made == nil {
			closeAll([]int{pipe})
			err = errors.Join(err, e.state.Remove(id))
		}
	}()
	if pipe, err = e.state.OpenReading(id); err != nil {
		return nil, err
	}
	record := newRecord(e.state, launch, box, identity, name, s)
	made = e.newEntry(parts{id: id, record: record, pipe: pipe, box: box, settings: s, log: e.logOf(record)})
	made.isNew = true
	return made, nil
}

// parts are what an entry is made of. It takes the pipe and a share of the sandbox.
type parts struct {
	id       string
	record   *sluicepb.StreamRecord
	pipe     int
	box      *sharedSandbox
	settings settings.Stream
	former   *logrotate.Policy // under which the series was kept before, where that is another
	log      *slog.Logger
}

// newEntry makes an entry with its stream.
func (e *Engine) newEntry(p parts) *entry {
	entry := &entry{engine: e, id: p.id, box: p.box, as: identityOf(p.record)}
	files := &reactor.Files{
		Dir: p.box.Dir, Path: p.record.GetSandbox(), Name: p.record.GetStream(),
		As: entry.as, Settings: p.settings, Log: p.log,
	}
	if e.budget != nil {
		of := budget.Of{ID: p.id, Record: p.record, Settings: p.settings, As: entry.as}
		entry.account = e.budget.NewAccount(of, p.settings.Policy.LimitBytes(p.settings.MaxBytes)+p.settings.MostTimesBytes())
		files.Account = entry.account
	}
	config := e.reactor.Equip(&entry.Served, entry, files)
	config.Pipe, config.CapacityBytes = p.pipe, e.enlarge(p.pipe)
	config.Former, config.Record, config.Retry = p.former, p.record, retryAfter
	config.Keeper = stateKeeper{engine: e, entry: entry}
	config.CountLines = e.settings.CountLines
	if configured != nil {
		configured(&config)
	}
	entry.Stream = stream.New(config)
	p.box.users.Add(1)
	return entry
}

// logOf is the log for the problems of one stream.
func (e *Engine) logOf(record *sluicepb.StreamRecord) *slog.Logger {
	return e.log.With("container", record.GetContainerId(), "stream", record.GetStream())
}

// release gives up what an entry holds.
func (e *entry) release() {
	defer e.box.release()
	if e.account != nil {
		defer e.engine.budget.Leave(e.account)
	}
	e.Stream.Close()
}

// abandon undoes a stream that no container has got.
func (e *entry) abandon() {
	defer func() {
		if err := e.Stream.Keeper.Forget(); err != nil {
			e.Stream.Log.Error("cannot remove what was made for a container that will not start", "error", err)
		}
	}()
	e.release()
}

// enlarge gives a pipe the capacity of the settings, or what the kernel allows.
func (e *Engine) enlarge(pipe int) int { return e.reactor.Enlarge(pipe, e.settings.PipeCapacityBytes) }

// open opens the files of the sinks, which share a sandbox, on a worker thread.
func (e *Engine) open(sinks ...sink) error {
	box, identity, device := sinks[0].place()
	task := worker.Task{As: identity, Device: device, Urgent: true, Owner: box.Inode()}
	return e.reactor.Run(&task, "open the files of a stream", func(t *worker.Thread) error {
		fresh := box.fresh()
		for _, s := range sinks {
			if err := s.open(t, fresh); err != nil {
				return err
			}
		}
		return nil
	})
}

// open opens the live file. The record of a new stream is saved; one that was found
// is there already.
func (e *entry) open(t *worker.Thread, fresh bool) error {
	if err := e.Stream.Open(t, fresh); err != nil {
		return fmt.Errorf("prepare %s in sandbox %q: %w", e.Stream.Name, e.Stream.Record.GetSandbox(), err)
	}
	if !e.isNew {
		return nil
	}
	return t.AsHost(func() error { return e.Stream.Keeper.Save(e.Stream.Record) })
}

// newID makes the name of a stream in the state directory: readable, unique, and
// nothing but letters, digits, dots and dashes.
func (e *Engine) newID(container, name string) string {
	const readable = 120
	clean := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '.':
			return r
		}
		return '_'
	}, container)
	unique := strconv.FormatInt(time.Now().UnixNano(), 36) + "-" + strconv.FormatInt(e.serial.Add(1), 36)
	return "c" + clean[:min(len(clean), readable)] + "." + name + "." + strconv.Itoa(os.Getpid()) + "-" + unique
}
