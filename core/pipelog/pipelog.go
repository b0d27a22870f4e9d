// Package pipelog serves one stream without a state directory: what comes through a pipe goes
// into a series of files, by the same code as the output of containers (sluice pipe).
package pipelog

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/pump"
	"sluice/core/reactor"
	"sluice/core/sandbox"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// Config is one stream without a state directory.
type Config struct {
	// Input is the reading end of a pipe, non-blocking. Serve takes it.
	Input int
	// Path of the live file, absolute; its directory must exist.
	Path string
	// Settings of the process and, among them, of the stream.
	Module settings.Module
	Stream settings.Stream
	// Former is the policy of the process that served the file before; nil if there was none,
	// or nobody knows it.
	Former *logrotate.Policy
	// Trusted says that nobody else has a hand in the directory of the file, which the user has
	// named himself. Then root keeps its rights on files, and the log its owner.
	Trusted bool
	Log     *slog.Logger
}

const (
	// Before it is left, a pipe is checked every drainPoll until it is empty, for drainTimeout
	// at most.
	drainPoll    = 10 * time.Millisecond
	drainTimeout = 10 * time.Second
	// retryAfter is how often a stream tries again when writing fails.
	retryAfter = time.Second
	// heapBytes is a generous estimate of what one stream needs beyond memory_limit.
	heapBytes = 16 << 20
)

// served is the one stream.
type served struct {
	reactor.Served
	of    *reactor.Reactor
	dir   *sandbox.Dir
	ended chan struct{} // closed when the last byte is in the files, and they are compressed
}

// Serviced does nothing: there is no budget.
func (s *served) Serviced() {}

// Ended tells Serve.
func (s *served) Ended() {
	s.of.Forget(&s.Served)
	close(s.ended)
}

// Serve moves what comes through a pipe into a series of files until the last writer has gone:
// then everything is in the files, and they are compressed. If the context ends first, it still
// moves what is in the pipe at that time, for 10 seconds at most; it leaves compressions that are
// owed then to the next process that serves the file.
//
// Only the files outlive the process. Two processes cannot serve one file: the second gets
// ErrServed. It blocks; the account is valid even with an error.
func Serve(ctx context.Context, config Config) (stream.Account, error) {
	defer unix.Close(config.Input) // a duplicate is the stream's
	release, err := claimFile(config.Path)
	if err != nil {
		return stream.Account{}, err
	}
	defer release()
	g := guard.New(config.Log)
	r, err := reactor.New(reactor.Config{
		MaxDelay: config.Module.MaxDelay, ScriptTimeout: config.Module.ScriptTimeout,
		FileRights: config.Trusted, Guard: g, Log: config.Log,
	})
	if err != nil {
		return stream.Account{}, err
	}
	debug.SetMemoryLimit(config.Module.MemoryLimitBytes + heapBytes)
	keeper := newMemoryKeeper()
	defer keeper.close()
	r.Start()
	s, err := open(r, config, keeper)
	if err != nil {
		r.Close()
		r.Wait()
		r.Compressions.Wait()
		return stream.Account{}, err
	}
	r.Serve(&s.Served)
	select {
	case <-s.ended:
	case <-ctx.Done():
		awaitEmpty(config.Input, s.ended)
	}
	r.Close()
	r.Wait()
	for more := true; more; {
		more = s.CountOn()
	}
	account := s.Stream.Account()
	s.Stream.Close()
	_ = s.dir.Close()
	r.Compressions.Wait()
	account.LinesKnown = config.Module.CountLines
	return account, nil
}

// open makes the stream and opens its files, which may have been served before.
func open(r *reactor.Reactor, config Config, keeper stream.Keeper) (*served, error) {
	path, name := filepath.Split(config.Path)
	path = filepath.Clean(path)
	dir, err := sandbox.Open(path)
	if err != nil {
		return nil, err
	}
	pipe, err := unix.FcntlInt(uintptr(config.Input), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		_ = dir.Close()
		return nil, err
	}
	s := &served{of: r, dir: dir, ended: make(chan struct{})}
	files := &reactor.Files{Dir: dir, Path: path, Name: name, As: r.Self, Settings: config.Stream, Log: config.Log}
	made := r.Equip(&s.Served, s, files)
	made.Pipe, made.CapacityBytes = pipe, r.Enlarge(pipe, config.Module.PipeCapacityBytes)
	made.Former, made.Keeper, made.Retry = config.Former, keeper, retryAfter
	made.CountLines, made.Anew = config.Module.CountLines, true
	made.Record = &sluicepb.StreamRecord{
		CreatedUnixNano: time.Now().UnixNano(), Stream: name, Sandbox: path,
		Uid: uint32(r.Self.UID), Gid: uint32(r.Self.GID), Groups: r.Self.Groups,
		Accounting: &sluicepb.Accounting{},
	}
	s.Stream = stream.New(made)
	task := worker.Task{As: r.Self, Device: dir.Device()}
	err = r.Run(&task, "open the files of a stream", func(t *worker.Thread) error { return s.Stream.Open(t, false) })
	if err != nil {
		s.Stream.Close()
		_ = dir.Close()
		return nil, fmt.Errorf("prepare %s in sandbox %q: %w", name, path, err)
	}
	return s, nil
}

// awaitEmpty waits until there is nothing in the pipe.
func awaitEmpty(pipe int, ended <-chan struct{}) {
	look := time.NewTicker(drainPoll)
	defer look.Stop()
	patience := time.After(drainTimeout)
	for pump.Buffered(pipe) > 0 {
		select {
		case <-look.C:
		case <-ended:
			return
		case <-patience:
			return
		}
	}
}
