package keeper

import (
	"sluice/core/settings"
	"sluice/core/state"
)

// agentSettings gives the settings of the last agent, which may have been a newer version: it
// leaves out what it does not understand. That can only concern what all streams share: the
// agent made the pipes, and each stream goes by its record.
func (k *keeper) agentSettings(dir *state.Dir) settings.Module {
	text, err := dir.LoadSettings()
	var given []settings.Parameter
	if err == nil {
		given, err = settings.Decode(text)
	}
	if err != nil {
		k.Log.Warn("the parameters that the agent left cannot be read; the defaults hold in their place", "error", err)
	}
	module, refused := settings.Understood(given)
	for _, why := range refused {
		k.Log.Warn("a parameter that the agent left is not understood here and is left out, the default holds; is this keeper older than the agent?",
			"error", why)
	}
	module.StateDir = k.StateDir
	return module
}
