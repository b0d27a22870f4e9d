package engine

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/compression"
	"sluice/core/guard"
	"sluice/core/logrotate"
	"sluice/core/pump"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
	"sluice/core/schedule"
	"sluice/core/settings"
	"sluice/core/stream"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// PipeConfig is one stream without a state directory.
type PipeConfig struct {
	// Input is the reading end of a pipe, non-blocking. ServePipe takes it.
	Input int
	// Path of the live file, absolute; its directory must be there.
	Path string
	// Settings of the process and, among them, of the stream.
	Module settings.Module
	Stream settings.Stream
	// Former is the policy of the process that served the file before; nil: there was none,
	// or nobody knows.
	Former *logrotate.Policy
	// Trusted says that nobody else has a hand in the directory of the file: its user has named it
	// himself. Then root's rights on files are kept, and with them the owner of the log.
	Trusted bool
	Log     *slog.Logger
}

// pipeLook is how often is looked whether a pipe is empty that is to be left, and
// pipePatience how long at most.
const (
	pipeLook     = 10 * time.Millisecond
	pipePatience = 10 * time.Second
)

// ServePipe moves what comes through a pipe into a series of files, by the same code
// as the streams of containers, until the last writer has gone: then everything is in
// the files, and they are compressed. When the context ends first it still moves what
// is in the pipe at that time, which takes 10 seconds at most; compressions that are
// owed then are left to the next process that serves the file.
//
// Nothing outlives the process but the files. Two processes cannot serve one file:
// the second gets ErrServed. It blocks; the account is valid also with an error.
func ServePipe(ctx context.Context, config PipeConfig) (stream.Account, error) {
	defer unix.Close(config.Input) // a duplicate is the stream's
	release, err := claimFile(config.Path)
	if err != nil {
		return stream.Account{}, err
	}
	defer release()
	ended := make(chan struct{})
	e, err := newPipeEngine(config, func() { close(ended) })
	if err != nil {
		return stream.Account{}, err
	}
	keeper := newMemoryKeeper()
	defer keeper.close()
	entry, err := e.pipeEntry(config, keeper)
	if err == nil {
		err = e.openAgain(entry)
	}
	if err == nil {
		err = e.serve(entry)
	}
	if err != nil {
		e.stopPipe()
		return stream.Account{}, err
	}
	select {
	case <-ended:
	case <-ctx.Done():
		awaitEmpty(config.Input, ended)
	}
	e.stopPipe()
	return e.Metrics().Account, nil
}

// newPipeEngine makes an engine whose only stream needs no records.
func newPipeEngine(config PipeConfig, ended func()) (*Engine, error) {
	e := &Engine{
		settings:    config.Module,
		log:         config.Log,
		guard:       guard.New(config.Log),
		environment: script.Environment(os.Environ()),
		serving:     map[*entry]bool{},
		afterEnd:    ended,
		store:       &fdStore{},
	}
	e.compressions = compression.NewQueue(config.Log, e.guard)
	if config.Trusted {
		e.compressions.KeepFileRights()
	}
	var err error
	if e.self, err = worker.Self(); err != nil {
		return nil, err
	}
	if e.loop, err = schedule.New(config.Module.MaxDelay); err != nil {
		return nil, err
	}
	e.workers = worker.NewPool(config.Log, e.loop)
	e.commands = worker.NewCommandPool(config.Log)
	if config.Trusted {
		e.workers.KeepFileRights()
		e.commands.KeepFileRights()
	}
	e.loop.Serve(e.workers, e.commands)
	e.workers.Start()
	return e, nil
}

// pipeEntry makes the entry of the stream.
func (e *Engine) pipeEntry(config PipeConfig, keeper stream.Keeper) (*entry, error) {
	dir, name := filepath.Split(config.Path)
	dir = filepath.Clean(dir)
	opened, err := sandbox.Open(dir)
	if err != nil {
		return nil, err
	}
	box := &sharedSandbox{Dir: opened}
	pipe, err := unix.FcntlInt(uintptr(config.Input), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	record := &sluicepb.StreamRecord{
		CreatedUnixNano: time.Now().UnixNano(), Stream: name, Sandbox: dir,
		Uid: uint32(e.self.UID), Gid: uint32(e.self.GID), Groups: e.self.Groups,
		Accounting: &sluicepb.Accounting{},
	}
	return e.newEntry(parts{
		record: record, pipe: pipe, box: box, settings: config.Stream,
		former: config.Former, keeper: keeper, log: config.Log,
	}), nil
}

// openAgain opens the files of a stream that may have been served before.
func (e *Engine) openAgain(entry *entry) error {
	task := worker.Task{As: entry.as, Device: entry.box.Device()}
	err := e.onWorker(&task, "open the files of a stream", func(t *worker.Thread) error { return entry.open(t, false) })
	if err != nil {
		entry.release()
	}
	return err
}

// awaitEmpty waits until there is nothing in the pipe.
func awaitEmpty(pipe int, ended <-chan struct{}) {
	look := time.NewTicker(pipeLook)
	defer look.Stop()
	patience := time.After(pipePatience)
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

// stopPipe is stop without a state directory. What was moved is in the account.
func (e *Engine) stopPipe() {
	e.loop.Close()
	e.workers.Close()
	e.commands.Close()
	e.compressions.Close()
	e.workers.Wait()
	e.commands.Wait()
	e.loop.Release()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.tending != nil {
		e.tending.Stop()
	}
	for entry := range e.serving {
		for more := true; more; {
			more = entry.stream.Settle()
		}
		e.past = e.past.Plus(entry.stream.Account())
		entry.release()
	}
	e.serving = nil
	e.compressions.Wait()
}
