package settings

import "errors"

// Where the output of a container goes, as a value of stdout, stderr and
// debug_containers.
const (
	rotateWord  = "rotate"
	discardWord = "discard"
	firstWord   = "first"
)

// FirstBytes is how much is kept of each stream of a DEBUG container under
// debug_containers=first.
const FirstBytes = 64 << 10

// Debug says what becomes of the output of DEBUG containers: those of health checks
// and attached commands, which come by the thousand.
type Debug int

// The values of debug_containers.
const (
	// DebugRotate treats them like every other container.
	DebugRotate Debug = iota
	// DebugFirst keeps the first FirstBytes of each stream and no history.
	DebugFirst
	// DebugDiscard gives them /dev/null.
	DebugDiscard
)

// setOutput fills whether a stream is kept. A task may do without its output, but not
// have what the operator discards.
func setOutput(stream func(*Module) *Stream) setter {
	return func(m *Module, text string, from Origin) error {
		s := stream(m)
		operator, whose := s.Discard, s.DiscardFrom
		s.DiscardFrom = from
		switch text {
		case discardWord:
			s.Discard = true
			return nil
		case rotateWord:
			s.Discard = false
		default:
			return expected(errors.New("is neither"), outputForm)
		}
		if from.Task && operator {
			s.Discard, s.DiscardFrom = true, whose
			return m.Task.over(s, from, text, discardWord, whose.String())
		}
		return nil
	}
}

// setDebugContainers fills what becomes of the output of DEBUG containers.
func setDebugContainers(m *Module, text string, _ Origin) error {
	outputs := map[string]Debug{rotateWord: DebugRotate, firstWord: DebugFirst, discardWord: DebugDiscard}
	output, known := outputs[text]
	if !known {
		return expected(errors.New("is none of them"), debugForm)
	}
	m.DebugContainers = output
	return nil
}

// ForDebug gives the settings of a DEBUG container that would have c if it were
// another one.
func (m Module) ForDebug(c Container) (Container, error) {
	for _, s := range []*Stream{&c.Stdout, &c.Stderr} {
		from := Origin{Name: "debug_containers"}
		switch {
		case s.Discard || m.DebugContainers == DebugRotate:
		case m.DebugContainers == DebugDiscard:
			s.Discard, s.DiscardFrom = true, from
		default:
			first, err := m.readPolicy(Stream{
				FirstBytes: FirstBytes,
				MaxBytes:   FirstBytes, MaxBytesFrom: from,
				OptionsText: "rotate 0", OptionsFrom: from,
				// Nothing holds such a container back.
				WhenFull: WhenFull{Policy: Drop},
			}, "", "")
			if err != nil {
				return c, err
			}
			*s = first
		}
	}
	return c, nil
}
