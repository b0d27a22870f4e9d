package main

import (
	"flag"

	"sluice/core/control"
	"sluice/core/engine"
	"sluice/tests/kit"
	"sluice/tests/kit/host"
)

// figures are what an owner says of itself.
type figures struct {
	host.Figures
	Impostors int64
	Served    []control.Stream
}

func own(args []string) error {
	flags := flag.NewFlagSet(kit.OwnRole, flag.ExitOnError)
	where := flags.String("place", "", "directory of the run")
	seed := flags.String("seed", "0", "of the containers")
	rate := flags.String("rate", "0", "bytes per second of a container")
	generation := flags.Int("generation", 0, "number of the owner; 0 has no containers, 1 those of the whole run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o, err := host.Own(place(*where).parameters(), func(o *host.Owner) any {
		return figures{o.Figures(), o.Engine.Metrics().Impostors, o.Engine.Status()}
	})
	if err != nil {
		return err
	}
	for _, c := range launches(*generation) {
		box, user := place(*where).box(c.id), users[c.user]
		launch := engine.Launch{
			ContainerID: c.id, Sandbox: box, User: user.name, Environment: c.policy.environment(), Debug: c.policy.name == "debug",
		}
		if err := o.Start(launch, user.id, *where, c.id, *seed, *rate); err != nil {
			return err
		}
	}
	return o.Serve(func() (bool, error) { return false, nil })
}

// launches are the containers that an owner starts.
func launches(generation int) (all []container) {
	if generation == 1 {
		all = lasting()
	}
	if generation > 0 {
		all = append(all, passingIn(generation)...)
	}
	return all
}
