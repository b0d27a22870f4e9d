package control

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fixed is an owner that says always the same.
type fixed struct{ streams []Stream }

func (f fixed) Status() []Stream { return f.streams }

func (f fixed) Rotate(_ context.Context, ids []string) (rotated []Rotated) {
	for _, id := range ids {
		rotated = append(rotated, Rotated{ID: id, Name: "stdout.1", Bytes: int64(len(id))})
	}
	return rotated
}

// connected gives a connection to an owner that answers one question.
func connected(t *testing.T, owner Owner) net.Conn {
	t.Helper()
	client, server := net.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = Answer(t.Context(), server, owner)
		_ = server.Close()
	}()
	t.Cleanup(func() { _ = client.Close(); <-done })
	return client
}

func TestStatus(t *testing.T) {
	want := []Stream{
		{ID: "a", Container: "c", Stream: "stdout", Task: "web\n\x1b[31m", State: Blocked, InBytes: 1 << 50, LastRotationUnixNano: 7},
		{ID: "b", Container: "c", Stream: "stderr", State: Served},
	}
	head, got, err := Status(connected(t, fixed{want}))
	require.NoError(t, err)
	assert.Equal(t, want, got)
	assert.Equal(t, Version, head.Version)
	assert.Equal(t, os.Getpid(), head.PID)
	assert.NotEmpty(t, head.Process)

	_, got, err = Status(connected(t, fixed{}))
	require.NoError(t, err)
	assert.Empty(t, got)
}

func TestManyStreams(t *testing.T) {
	many := make([]Stream, 5000)
	for i := range many {
		many[i] = Stream{ID: fmt.Sprint(i), Sandbox: strings.Repeat("s", 300)}
	}
	_, got, err := Status(connected(t, fixed{many}))
	require.NoError(t, err)
	assert.Equal(t, many, got)
}

func TestRotate(t *testing.T) {
	_, got, err := Rotate(connected(t, fixed{}), []string{"one", "three"})
	require.NoError(t, err)
	assert.Equal(t, []Rotated{{ID: "one", Name: "stdout.1", Bytes: 3}, {ID: "three", Name: "stdout.1", Bytes: 5}}, got)
	_, _, err = Rotate(connected(t, fixed{}), nil)
	require.ErrorIs(t, err, ErrRefused)
	assert.ErrorContains(t, err, "0 streams to rotate; expected 1 to 64")
	_, _, err = Rotate(connected(t, fixed{}), make([]string, 65))
	require.ErrorIs(t, err, ErrRefused)
}

func TestQuestionsThatAreRefused(t *testing.T) {
	for _, c := range []struct{ name, line, message string }{
		{"no JSON", "status\n", "the question is no JSON"},
		{"no version", "{}\n", "the question is of version 0; this owner knows up to 1"},
		{"a newer version", `{"version":2,"ask":"status"}` + "\n", "the question is of version 2"},
		{"unknown", `{"version":1,"ask":"stop"}` + "\n", `the question is \"stop\"; expected status or rotate`},
		{"long", strings.Repeat("x", maxQuestionBytes+10), "the question is longer than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			conn := connected(t, fixed{})
			go func() { _, _ = io.WriteString(conn, c.line) }()
			var head Head
			line := make([]byte, maxLineBytes)
			n, err := conn.Read(line)
			require.NoError(t, err)
			require.NoError(t, json.Unmarshal(line[:n], &head))
			assert.Contains(t, string(line[:n]), c.message)
			assert.NotEmpty(t, head.Error)
			assert.Zero(t, head.Lines)
		})
	}
}

// TestAskersThatAreSlow uses deadlines that have passed: no test waits for them.
func TestAskersThatAreSlow(t *testing.T) {
	client, server := net.Pipe()
	defer client.Close()
	require.ErrorIs(t, Answer(t.Context(), &hasty{server}, fixed{}), os.ErrDeadlineExceeded, "a question that does not come")

	client, server = net.Pipe()
	defer client.Close()
	go func() { _, _ = io.WriteString(client, `{"version":1,"ask":"status"}`+"\n") }()
	require.ErrorIs(t, Answer(t.Context(), &hastyAnswer{server}, fixed{}), os.ErrDeadlineExceeded, "an answer that is not read")
}

type hasty struct{ net.Conn }

func (h *hasty) SetReadDeadline(time.Time) error { return h.Conn.SetReadDeadline(time.Unix(1, 0)) }

// Write would block for good: the answer to a question that never came.
func (h *hasty) Write([]byte) (int, error) { return 0, os.ErrDeadlineExceeded }

type hastyAnswer struct{ net.Conn }

func (h *hastyAnswer) SetWriteDeadline(time.Time) error {
	return h.Conn.SetWriteDeadline(time.Unix(1, 0))
}

// TestAnswersThatAreWrong has an owner that is of another version, or none.
func TestAnswersThatAreWrong(t *testing.T) {
	for _, c := range []struct{ name, answer, message string }{
		{"nothing", "", "read the owner's answer: EOF"},
		{"no JSON", "hello\n", "read the owner's answer: invalid character"},
		{"newer", `{"version":9,"sluice":"9.0.0"}` + "\n", "the owner, sluice 9.0.0, answers in version 9"},
		{"cut off", `{"version":1,"lines":2}` + "\n{}\n", "read the owner's answer: EOF"},
		{"endless", `{"version":1,"lines":1000000000}` + "\n", "announces 1000000000 lines"},
		{"negative", `{"version":1,"lines":-1}` + "\n", "announces -1 lines"},
		{"a long line", strings.Repeat(" ", maxLineBytes+1), "buffer full"},
	} {
		t.Run(c.name, func(t *testing.T) {
			client, server := net.Pipe()
			go func() {
				_, _ = server.Read(make([]byte, 1000))
				_, _ = io.WriteString(server, c.answer)
				_ = server.Close()
			}()
			_, _, err := Status(client)
			assert.ErrorContains(t, err, c.message)
		})
	}
}

// memory is a connection whose question is given.
type memory struct {
	*bytes.Reader
	bytes.Buffer
}

func (m *memory) Read(p []byte) (int, error)       { return m.Reader.Read(p) }
func (m *memory) Write(p []byte) (int, error)      { return m.Buffer.Write(p) }
func (m *memory) SetReadDeadline(time.Time) error  { return nil }
func (m *memory) SetWriteDeadline(time.Time) error { return nil }

func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"version":1,"ask":"status"}` + "\n"))
	f.Add([]byte(`{"version":1,"ask":"rotate","streams":["a","b"]}` + "\n"))
	f.Add([]byte("{\n"))
	f.Fuzz(func(t *testing.T, question []byte) {
		conn := &memory{Reader: bytes.NewReader(question)}
		if err := Answer(t.Context(), conn, fixed{[]Stream{{ID: "x"}}}); err != nil {
			t.Fatal(err)
		}
		lines := bytes.Split(bytes.TrimSuffix(conn.Buffer.Bytes(), []byte("\n")), []byte("\n"))
		var head Head
		if len(question) == 0 {
			return
		}
		if err := json.Unmarshal(lines[0], &head); err != nil || head.Lines != len(lines)-1 {
			t.Fatalf("%q: %v", lines, err)
		}
	})
}
