package stream

import (
	"errors"

	"sluice/core/worker"
)

// errMisplaced says that a stream whose policy runs commands has to be rotated, which may
// take as long as a command does, and is on a thread that others wait for.
var errMisplaced = errors.New("commands are run on threads of their own")

// misplaced tells whether nothing that may run a command can be begun on t.
func (s *Stream) misplaced(t *worker.Thread) bool { return s.commands && !t.Commands() }

// rotationsAtOnce is how many rotations a visit makes at most: each may have commands.
func (s *Stream) rotationsAtOnce() int {
	if s.commands {
		return 1
	}
	return quantumRotations
}
