package names

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestNobodyAnswersIsNotUnknown: a service that is away, one that hangs and one that knows
// no such user are three things.
func TestNobodyAnswersIsNotUnknown(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	s := New(func(name string) (int, error) {
		switch name {
		case "alice":
			return 1000, nil
		case "nobody-of-that-name":
			return -1, ErrUnknown
		case "broken":
			panic("injected")
		case "slow":
			<-hang
		}
		return -1, errors.New("connection refused")
	}, nil)
	id, err := s.User("alice", time.Minute)
	require.NoError(t, err)
	assert.Equal(t, 1000, id)
	_, err = s.User("nobody-of-that-name", time.Minute)
	require.ErrorIs(t, err, ErrUnknown)
	assert.NotErrorIs(t, err, ErrNoAnswer)
	for _, name := range []string{"away", "slow", "broken"} {
		patience := time.Minute
		if name == "slow" {
			patience = time.Millisecond
		}
		_, err = s.User(name, patience)
		require.ErrorIs(t, err, ErrNoAnswer, name)
		assert.NotErrorIs(t, err, ErrUnknown)
	}
}

// TestQuestionsThatHangAreBounded, and the same one is not asked twice.
func TestQuestionsThatHangAreBounded(t *testing.T) {
	hang := make(chan struct{})
	var asked atomic.Int64
	s := New(func(string) (int, error) {
		asked.Add(1)
		<-hang
		return 7, nil
	}, nil)
	for i := range 100 {
		_, err := s.User(string(rune('a'+i%20)), time.Microsecond)
		require.ErrorIs(t, err, ErrNoAnswer)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := s.User("a", time.Minute)
		answered <- err
	}()
	close(hang)
	require.NoError(t, <-answered)
	assert.LessOrEqual(t, asked.Load(), int64(mostQuestions+1))
}

// TestASilentServiceIsWaitedForOnce: an agent that starts may have many names to ask for.
func TestASilentServiceIsWaitedForOnce(t *testing.T) {
	hang := make(chan struct{})
	defer close(hang)
	s := New(func(string) (int, error) { <-hang; return 0, nil }, nil)
	_, err := s.User("first", 10*time.Millisecond)
	require.ErrorIs(t, err, ErrNoAnswer)
	began := time.Now()
	for _, name := range []string{"a", "b", "c"} {
		_, err := s.User(name, time.Hour)
		require.ErrorIs(t, err, ErrNoAnswer)
	}
	assert.Less(t, time.Since(began), time.Minute)
}

func TestThisMachine(t *testing.T) {
	id, err := Machine.User("root", time.Minute)
	require.NoError(t, err)
	assert.Zero(t, id)
	_, err = Machine.User("no-such-user-here", time.Minute)
	require.ErrorIs(t, err, ErrUnknown)
	_, err = Machine.Group("no-such-group-here", time.Minute)
	require.ErrorIs(t, err, ErrUnknown)
	id, err = Machine.Group("0", time.Minute)
	require.NoError(t, err)
	assert.Zero(t, id)
}
