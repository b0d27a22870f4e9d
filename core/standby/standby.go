// Package standby sees to it that somebody holds the pipes of the containers while the agent is
// away. It starts a keeper if the operator wants one (keeper=start), and another when that has
// ended. It tells the agent's log who holds the pipes, and what is lost if nobody does.
//
// It runs beside the start of the agent and holds nothing up. What it cannot do now it tries
// again; no container waits for it.
package standby

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"sluice/core/engine"
	"sluice/core/fdstore"
	"sluice/core/guard"
	"sluice/core/settings"
	"sluice/core/state"
	"sluice/core/unit"
)

// Agent is the process whose containers are looked after.
type Agent struct {
	Settings settings.Module
	Engine   *engine.Engine
	Log      *slog.Logger
	Guard    *guard.Guard
}

const (
	// storePatience is how long the service manager may take to answer. It has much to do when
	// a machine starts.
	storePatience = time.Minute
	// The pauses between attempts to start a keeper double between these. After a keeper that
	// lived for longer than the last pause they begin anew.
	firstPause = time.Second
	lastPause  = time.Minute
	// expectedContainers is how many a unit should have room for if nobody says.
	expectedContainers = 200
)

// Begin looks after an agent from now on. It does not block.
func Begin(agent Agent) {
	agent.Guard.Go("see who holds the pipes", func() {
		dir, err := state.Attach(agent.Settings.StateDir)
		if err != nil {
			agent.Log.Warn("nobody can tell who holds the pipes while the agent is away", "error", err)
			return
		}
		defer dir.Close()
		tell := func() { agent.tell(dir) }
		if !agent.Settings.StartKeeper {
			tell()
			return
		}
		agent.keep(dir, tell)
	})
}

// keep keeps a keeper alive for as long as the agent lives. After the first attempt it calls
// told.
func (a Agent) keep(dir *state.Dir, told func()) {
	for pause := firstPause; ; pause = min(2*pause, lastPause) {
		err := a.start()
		if err != nil {
			a.Log.Error("cannot start the keeper; it is tried again", "error", err, "in", pause)
		}
		if told != nil {
			told()
			told = nil
		}
		if err == nil {
			began := time.Now()
			if err := dir.AwaitNoKeeper(); err != nil {
				a.Log.Error("the keeper cannot be watched; if it ends it is not started again", "error", err)
				return
			}
			a.Log.Warn("the keeper has ended; it is started again", "in", pause)
			if time.Since(began) > lastPause {
				pause = firstPause
			}
		}
		time.Sleep(pause)
	}
}

// tell says who holds the pipes.
func (a Agent) tell(dir *state.Dir) {
	kept := a.Engine.StoreKeeps(storePatience)
	keeper, err := dir.Keeper()
	switch {
	case kept == fdstore.IsKept && keeper.Lives:
		a.Log.Info("the service manager and a keeper hold the pipes while the agent is away", "keeper", state.ProcessText(keeper.PID))
	case kept == fdstore.IsKept:
		a.Log.Info("the service manager holds the pipes while the agent is away")
	case keeper.Lives:
		a.Log.Info("a keeper holds the pipes while the agent is away", "keeper", state.ProcessText(keeper.PID))
	default:
		a.Log.Warn("nobody holds the pipes while the agent is away: a container that ends then loses its last output",
			"at_most_of_a_stream", settings.FormatSize(a.Settings.PipeCapacityBytes), "service_manager", because(kept), "keeper", noKeeper(err),
			"remedy", "FileDescriptorStoreMax= and NotifyAccess=main in the agent's unit, or keeper=start")
	}
	a.tellOfUnit()
}

// because says why the service manager keeps nothing.
func because(kept fdstore.Kept) string {
	switch kept {
	case fdstore.NotKept:
		return "keeps nothing for this unit"
	case fdstore.NotTold:
		return "does not answer"
	}
	return "none"
}

func noKeeper(err error) string {
	if err != nil {
		return err.Error()
	}
	return "none"
}

// tellOfUnit says what the agent's unit lacks.
func (a Agent) tellOfUnit() {
	name := unit.Of(os.Getpid())
	if name == "" || !unit.Booted() {
		return
	}
	properties, err := unit.Show(name, a.Log)
	if err != nil {
		a.Log.Log(context.Background(), slog.LevelInfo, "what the agent's unit says is not known", "unit", name, "error", err)
		return
	}
	missing := properties.Missing(expectedContainers)
	if len(missing) == 0 {
		return
	}
	var texts []string
	for _, m := range missing {
		texts = append(texts, m.String())
	}
	a.Log.Warn("the agent's unit lacks settings that the logger relies on; the package has them in "+unit.DropIn,
		"unit", name, "missing", strings.Join(texts, "; "), "for", fmt.Sprintf("%d containers", expectedContainers))
}
