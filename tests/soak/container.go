package main

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"os"
	"time"

	"sluice/tests/kit"
)

// Files that a container makes in its sandbox: when it begins, and when it has written
// everything and ends at once.
const (
	begunFile = "begun"
	doneFile  = "done"
)

// exitLock is beside the sandboxes' directory.
const exitLock = "exit.lock"

// batches is in how many parts a container writes its output.
const batches = 40

// contain is a container: ID, life and, if it is to be
// held, the lock are its arguments; the sandbox is its working directory.
func contain(args []string) error {
	life, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	if err := os.WriteFile(begunFile, nil, 0o600); err != nil {
		return err
	}
	id := args[0]
	out, failures := text(id, "stdout"), text(id, "stderr")
	pause := life / batches
	for i := range batches {
		time.Sleep(pause/2 + rand.N(pause/2+1))
		if _, err := os.Stdout.Write(part(out, i)); err != nil {
			return fmt.Errorf("write stdout: %w", err)
		}
		if _, err := os.Stderr.Write(part(failures, i)); err != nil {
			return err
		}
	}
	if len(args) > 2 {
		if err := kit.Ends(args[2]).Begin(); err != nil {
			return err
		}
	}
	return os.WriteFile(doneFile, nil, 0o600)
}

// part is a batch of an output; it may end within a line.
func part(all []byte, i int) []byte {
	return all[len(all)*i/batches : len(all)*(i+1)/batches]
}

// text is what a container writes to a stream: numbered lines that follow from its ID.
func text(id, stream string) []byte {
	hash := fnv.New64a()
	hash.Write([]byte(id + "/" + stream))
	random := rand.New(rand.NewPCG(hash.Sum64(), 1))
	lines := 1000 + random.IntN(2000)
	if stream == "stderr" {
		lines = random.IntN(400)
	}
	var all []byte
	for i := range lines {
		all = fmt.Appendf(all, "%s %s %08d %0*x\n", id, stream, i, 1+random.IntN(120), random.Uint64())
	}
	return all
}
