package keeper

import (
	"sluice/core/settings"
	"sluice/core/state"
)

// agentSettings gives the settings of the last agent, which may have been a newer version:
// whatever is not understood is left out. The pipes are as the agent made them, and each
// stream goes by what its record says, so that what is missing is what all streams share.
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
