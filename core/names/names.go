// Package names asks the machine's name service for the numbers of users and groups.
//
// The service may be on another machine: it may be away, and take minutes to say so. "It does
// not answer" does not mean "there is no such user", and callers decide how long they wait.
// Questions go on when nobody waits for them any more, a bounded number of them; whoever asks for
// the same name meanwhile waits for the same answer.
package names

import (
	"errors"
	"fmt"
	"log/slog"
	"os/user"
	"strconv"
	"sync"
	"time"

	"sluice/core/guard"
)

// Errors that callers match with errors.Is.
var (
	// ErrUnknown says that the machine has no user or group of that name or number.
	ErrUnknown = errors.New("unknown to this machine")
	// ErrNoAnswer says that the service could not be asked, or did not answer in time.
	ErrNoAnswer = errors.New("the name service does not answer")
)

// mostQuestions is how many are under way at once, each with a thread that may hang.
const mostQuestions = 8

// Service is a name service. Its methods may be called concurrently.
type Service struct {
	user, group func(name string) (id int, err error)

	mu     sync.Mutex
	asked  map[string]*question // under way
	silent time.Time            // when somebody last waited in vain; zero once it has answered since
}

type question struct {
	began time.Time
	done  chan struct{}
	id    int
	err   error
}

// Machine is the name service of this machine.
var Machine = New(askUser, askGroup)

// New makes a service of functions that answer or give ErrUnknown; any other error means that
// there is no answer. They may block.
func New(user, group func(name string) (int, error)) *Service {
	return &Service{user: user, group: group, asked: map[string]*question{}}
}

// User gives the number of a user by its name or number. It waits for patience at most, counted
// from when the question was first asked: a thousand streams with one owner wait once. Errors:
// ErrUnknown, ErrNoAnswer.
func (s *Service) User(name string, patience time.Duration) (int, error) {
	return s.ask("user "+strconv.Quote(name), func() (int, error) { return s.user(name) }, patience)
}

// Group is User for groups.
func (s *Service) Group(name string, patience time.Duration) (int, error) {
	return s.ask("group "+strconv.Quote(name), func() (int, error) { return s.group(name) }, patience)
}

func (s *Service) ask(what string, how func() (int, error), patience time.Duration) (int, error) {
	q := s.question(what, how)
	if q == nil {
		return -1, fmt.Errorf("%s: %w: too many other questions wait for it", what, ErrNoAnswer)
	}
	timer := time.NewTimer(s.waits(q, patience))
	defer timer.Stop()
	select {
	case <-q.done:
	case <-timer.C:
		s.mu.Lock()
		s.silent = time.Now()
		s.mu.Unlock()
		return -1, fmt.Errorf("%s: %w, asked for %v", what, ErrNoAnswer, patience)
	}
	switch {
	case errors.Is(q.err, ErrUnknown):
		return -1, fmt.Errorf("%s: %w", what, ErrUnknown)
	case q.err != nil:
		return -1, fmt.Errorf("%s: %w: %w", what, ErrNoAnswer, q.err)
	}
	return q.id, nil
}

// waits is how much longer to wait for a question. While the service is silent nobody has much
// patience: an agent that starts may have many names to ask for.
func (s *Service) waits(q *question, patience time.Duration) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.silent.IsZero() && time.Since(s.silent) < silence {
		patience = min(patience, silentPatience)
	}
	return max(0, patience-time.Since(q.began))
}

const (
	// silence is how long the service counts as silent after an answer did not come.
	silence = 10 * time.Second
	// silentPatience is how long to wait for it meanwhile.
	silentPatience = 50 * time.Millisecond
)

// question gives the question that is under way, or begins it; nil if there are too many.
func (s *Service) question(what string, how func() (int, error)) *question {
	s.mu.Lock()
	defer s.mu.Unlock()
	if q := s.asked[what]; q != nil {
		return q
	}
	if len(s.asked) >= mostQuestions {
		return nil
	}
	q := &question{began: time.Now(), done: make(chan struct{}), err: ErrNoAnswer}
	s.asked[what] = q
	guard.New(slog.Default()).Go("ask the name service", func() {
		defer s.answered(what, q)
		q.id, q.err = how()
	})
	return q
}

func (s *Service) answered(what string, q *question) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.asked, what)
	s.silent = time.Time{}
	close(q.done)
}

func askUser(name string) (int, error) {
	u, err := user.Lookup(name)
	if errors.As(err, new(user.UnknownUserError)) && isNumber(name) {
		u, err = user.LookupId(name)
	}
	if err != nil {
		return without(name, err)
	}
	return strconv.Atoi(u.Uid)
}

func askGroup(name string) (int, error) {
	g, err := user.LookupGroup(name)
	if errors.As(err, new(user.UnknownGroupError)) && isNumber(name) {
		g, err = user.LookupGroupId(name)
	}
	if err != nil {
		return without(name, err)
	}
	return strconv.Atoi(g.Gid)
}

func isNumber(name string) bool {
	_, err := strconv.ParseUint(name, 10, 32)
	return err == nil
}

// without tells what an error of a lookup means. A number needs no answer.
func without(name string, why error) (int, error) {
	if errors.As(why, new(user.UnknownUserError)) || errors.As(why, new(user.UnknownUserIdError)) ||
		errors.As(why, new(user.UnknownGroupError)) || errors.As(why, new(user.UnknownGroupIdError)) {
		return -1, ErrUnknown
	}
	if isNumber(name) {
		return strconv.Atoi(name)
	}
	return -1, why
}
