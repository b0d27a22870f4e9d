package check

import (
	"log/slog"

	"sluice/core/settings"
	"sluice/core/standby"
	"sluice/core/unit"
)

// unitOfAgent holds the unit of the agent against what the logger relies on: that of the
// agent that runs, else those that are installed. Where systemd does not run the machine
// there is nothing to look at.
func (r *Report) unitOfAgent(pid, containers int) {
	if !unit.Booted() {
		return
	}
	names := unit.Names
	if own := unit.Of(pid); pid != 0 {
		if own == "" {
			r.add(Warning, position{}, "process %d is the agent, and runs in no unit of systemd: nothing holds the pipes of its containers while it is away, "+
				"unless a keeper does (keeper=start)", pid)
			return
		}
		names = []string{own}
	}
	for _, name := range names {
		properties, err := unit.Show(name, slog.New(slog.DiscardHandler))
		if err != nil {
			continue // there is none, or it cannot be asked
		}
		r.unit(name, properties.Missing(containers))
	}
}

func (r *Report) unit(name string, missing []unit.Missing) {
	for _, m := range missing {
		r.add(Warning, position{}, "%s: %s; the package has it in %s.d/%s", name, m, name, unit.DropIn)
	}
}

// keeper looks for the program of keeper=start. An agent starts without it, too.
func (r *Report) keeper(m module, operator settings.Module) {
	if !operator.StartKeeper {
		return
	}
	if _, err := standby.Program(operator.KeeperCommand, m.library.path); err != nil {
		r.add(Warning, m.at, "keeper=start: the agent starts, and no keeper: %v", err)
	}
}
