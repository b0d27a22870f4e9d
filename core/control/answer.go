package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"

	"sluice/core/version"
)

// Owner is what is asked. Its methods may be called concurrently.
type Owner interface {
	// Status gives all streams as they are now. It waits for no disk.
	Status() []Stream
	// Rotate rotates streams, whatever their size, and reports each, in their order. It
	// returns when the context ends: a stream whose rotation has not begun by then stays as it
	// is, with context.Cause as its error.
	Rotate(ctx context.Context, ids []string) []Rotated
}

// errHeldBack is the error of a rotation that did not begin within Patience.
var errHeldBack = errors.New("the stream is held back, by its disk or its rate; nothing was rotated")

// Conn is a connection whose deadlines can be set.
type Conn interface {
	io.ReadWriter
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
}

// Answer reads one question and answers it. It returns when the other side has the answer, has
// given up or is too slow; the caller closes the connection. The end of the context ends the
// wait for rotations.
func Answer(ctx context.Context, conn Conn, owner Owner) error {
	if err := conn.SetReadDeadline(time.Now().Add(questionTime)); err != nil {
		return fmt.Errorf("answer a question: %w", err)
	}
	q, err := readQuestion(conn)
	if errors.Is(err, io.EOF) {
		return nil // it only checked whether somebody is there
	}
	var lines []any
	if err == nil {
		lines, err = q.answer(ctx, owner)
	}
	if failed := conn.SetWriteDeadline(time.Now().Add(answerTime)); failed != nil {
		return fmt.Errorf("answer a question: %w", failed)
	}
	head := Head{
		Version: Version, Process: filepath.Base(os.Args[0]), PID: os.Getpid(), Sluice: version.Version,
		Lines: len(lines), UnixNano: time.Now().UnixNano(),
	}
	if err != nil {
		head.Error = err.Error()
	}
	out := bufio.NewWriterSize(conn, maxLineBytes)
	encoder := json.NewEncoder(out)
	err = encoder.Encode(head)
	for i := 0; err == nil && i < len(lines); i++ {
		err = encoder.Encode(lines[i])
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("answer a question: %w", err)
	}
	return nil
}

// readQuestion reads one line, which is untrusted.
func readQuestion(conn io.Reader) (question, error) {
	var q question
	line, err := bufio.NewReaderSize(conn, maxQuestionBytes).ReadSlice('\n')
	switch {
	case errors.Is(err, bufio.ErrBufferFull):
		return q, fmt.Errorf("the question is longer than %d bytes", maxQuestionBytes)
	case errors.Is(err, io.EOF) && len(line) > 0:
		return q, errors.New("the question does not end with a newline")
	case err != nil:
		return q, err
	}
	if err := json.Unmarshal(line, &q); err != nil {
		return q, fmt.Errorf("the question is no JSON: %w", err)
	}
	if q.Version < 1 || q.Version > Version {
		return q, fmt.Errorf("the question is of version %d; this owner knows up to %d: use the command of its version, %s",
			q.Version, Version, version.Version)
	}
	return q, nil
}

func (q question) answer(ctx context.Context, owner Owner) (lines []any, err error) {
	switch q.Ask {
	case askStatus:
		for _, s := range owner.Status() {
			lines = append(lines, s)
		}
	case askRotate:
		if len(q.Streams) == 0 || len(q.Streams) > MaxTargets {
			return nil, fmt.Errorf("%d streams to rotate; expected 1 to %d", len(q.Streams), MaxTargets)
		}
		ctx, cancel := context.WithTimeoutCause(ctx, Patience, errHeldBack)
		defer cancel()
		for _, r := range owner.Rotate(ctx, q.Streams) {
			lines = append(lines, r)
		}
	default:
		return nil, fmt.Errorf("the question is %.40q; expected %s or %s", q.Ask, askStatus, askRotate)
	}
	return lines, nil
}

var _ Conn = net.Conn(nil)
