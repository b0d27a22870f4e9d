// Package control is the control socket of a state directory: its protocol, the server in the
// owner (the agent, or the keeper in its place), and the client for the commands.
//
// A connection carries one question and its answer, as lines of JSON. Either side ignores
// fields that it does not know; Version changes when that is not enough. Lines, numbers of lines
// and times are bounded on both sides, so that a slow or hostile peer holds no more than a
// goroutine and a buffer, for a few seconds. Only root and the user of the owner's process may
// ask.
//
// The package knows no engine and no terminal. It refuses questions that would change a stream
// in any way other than rotating it.
package control

import "time"

// Version of the questions and answers.
const Version = 1

// Bounds of a connection.
const (
	// maxQuestionBytes and maxLineBytes are the longest lines of either direction.
	maxQuestionBytes = 64 << 10
	maxLineBytes     = 64 << 10
	// MaxTargets is how many streams one question can name.
	MaxTargets = 64
	// maxStreams is how many lines an answer can have.
	maxStreams = 1 << 20
	// questionTime is how long a question may take to arrive, answerTime how long the
	// other side may take to read the answer.
	questionTime = 2 * time.Second
	answerTime   = 10 * time.Second
	// Patience is how long a question about a stream may take.
	Patience = 10 * time.Second
)

// The questions.
const (
	askStatus = "status"
	askRotate = "rotate"
)

// question is the one line that is asked.
type question struct {
	Version int    `json:"version"`
	Ask     string `json:"ask"`
	// Streams are the ids of those to rotate.
	Streams []string `json:"streams,omitempty"`
}

// Head is the first line of an answer: who answers.
type Head struct {
	Version int `json:"version"`
	// Error says why the question was not answered; nothing follows it.
	Error string `json:"error,omitempty"`
	// Process is the name of the owner's program, such as mesos-agent.
	Process string `json:"process"`
	PID     int    `json:"pid"`
	// Sluice is the version of the logger.
	Sluice string `json:"sluice"`
	// Lines is how many follow.
	Lines int `json:"lines"`
	// UnixNano is when the figures were taken.
	UnixNano int64 `json:"unix_nano"`
}

// State of a stream, in a word.
type State string

// The states.
const (
	// Served streams are written as they come.
	Served State = "served"
	// Blocked ones wait for the disk, with the container.
	Blocked State = "blocked"
	// Dropping ones are counted and thrown away, because the disk stays full or fails.
	Dropping State = "dropping"
	// Waiting is the state of a stream that nobody serves: its container waits when the pipe
	// is full. No owner reports it.
	Waiting State = "waiting"
)

// Stream is one stdout or stderr with its figures, which count from its beginning.
type Stream struct {
	// ID is its name in the state directory.
	ID        string `json:"id"`
	Container string `json:"container"`
	Stream    string `json:"stream"`
	Framework string `json:"framework,omitempty"`
	Executor  string `json:"executor,omitempty"`
	Task      string `json:"task,omitempty"`
	Sandbox   string `json:"sandbox"`
	User      string `json:"user,omitempty"`

	State State `json:"state"`
	// InBytes were taken out of the pipe; all of them were written or dropped.
	InBytes      int64 `json:"in_bytes"`
	WrittenBytes int64 `json:"written_bytes"`
	DroppedBytes int64 `json:"dropped_bytes"`
	DroppedLines int64 `json:"dropped_lines"`
	// InLines and WrittenLines are missing if lines are not counted (count_lines); while much
	// is written they are up to a second or a mebibyte behind.
	InLines      *int64 `json:"in_lines,omitempty"`
	WrittenLines *int64 `json:"written_lines,omitempty"`
	// Files of the series, with the live one, and what they take on the disk.
	Files     int64 `json:"files"`
	DiskBytes int64 `json:"disk_bytes"`
	LiveBytes int64 `json:"live_bytes"`
	Rotations int64 `json:"rotations"`
	// Errors of rotations and of writes.
	RotationErrors int64 `json:"rotation_errors"`
	WriteErrors    int64 `json:"write_errors"`
	// LastRotationUnixNano is 0 if there was none.
	LastRotationUnixNano int64 `json:"last_rotation_unix_nano,omitempty"`
	CreatedUnixNano      int64 `json:"created_unix_nano"`
	// LongestBlockedNanos is the longest time that the disk held the container back.
	LongestBlockedNanos int64 `json:"longest_blocked_nanos,omitempty"`
}

// Rotated is what became of one stream that was to be rotated.
type Rotated struct {
	ID string `json:"id"`
	// Name that the live file got; empty where it was removed or nothing was in it.
	Name string `json:"name,omitempty"`
	// Bytes that were in it.
	Bytes int64  `json:"bytes"`
	Error string `json:"error,omitempty"`
}
