package remote

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"unicode"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
)

const (
	// maxAnswerBytes of an answer are taken: some 100,000 files, or 10,000 tasks.
	maxAnswerBytes = 16 << 20
	// maxSaidBytes of an error's text are shown.
	maxSaidBytes = 300
	// protobuf is the media type of calls and answers.
	protobuf = "application/x-protobuf"
)

// errRestarting says that an agent runs again and answers nothing yet.
var errRestarting = errors.New("the agent has not recovered its containers yet")

// ask sends a call and gives the answer as it came, whose type is that of the call.
func (a *Agent) ask(ctx context.Context, call *agent.Call) ([]byte, error) {
	answer, err := a.send(ctx, call)
	if err == nil {
		err = answers(answer, call.Type)
	}
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("ask agent %s for %s: %w", a.where, call.Type, err)
}

func (a *Agent) send(ctx context.Context, call *agent.Call) ([]byte, error) {
	question, err := call.Marshal()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.endpoint, bytes.NewReader(question))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", protobuf)
	request.Header.Set("Accept", protobuf)
	if a.credential.Principal != "" {
		request.SetBasicAuth(a.credential.Principal, a.credential.Secret)
	}
	response, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(io.LimitReader(response.Body, maxSaidBytes))
		return nil, a.refused(response, printable(string(said)))
	}
	answer, err := readAll(response.Body, response.ContentLength)
	if err != nil && !errors.Is(err, errTooLong) {
		err = &url.Error{Op: "read the answer of", URL: a.endpoint, Err: err}
	}
	return answer, err
}

// errTooLong is explained by its text.
var errTooLong = fmt.Errorf("the answer is longer than %d MB, which no agent needs", maxAnswerBytes>>20)

// readAll reads an answer in as few buffers as may be: expected is the length that was announced,
// negative for none.
func readAll(from io.Reader, expected int64) ([]byte, error) {
	if expected > maxAnswerBytes {
		return nil, errTooLong
	}
	answer := make([]byte, 0, max(expected, readBytes)+1)
	for {
		n, err := from.Read(answer[len(answer):cap(answer)])
		answer = answer[:len(answer)+n]
		switch {
		case len(answer) > maxAnswerBytes:
			return nil, errTooLong
		case errors.Is(err, io.EOF):
			return answer, nil
		case err != nil:
			return nil, err
		case len(answer) == cap(answer):
			answer = append(make([]byte, 0, min(2*cap(answer), maxAnswerBytes+1)), answer...)
		}
	}
}

// refused explains a status that is not OK, with what was said beside it.
func (a *Agent) refused(response *http.Response, said string) error {
	status := fmt.Errorf("HTTP status %d: %s", response.StatusCode, said)
	if said == "" {
		status = fmt.Errorf("HTTP status %d", response.StatusCode)
	}
	switch code := response.StatusCode; {
	case code == http.StatusNotFound, goneMeanwhile(said):
		return fmt.Errorf("%w: %w", fs.ErrNotExist, status)
	case code == http.StatusUnauthorized && a.credential.Principal == "":
		return fmt.Errorf("%w: it wants to know who asks; give --principal and --secret_file: %w", fs.ErrPermission, status)
	case code == http.StatusUnauthorized:
		return fmt.Errorf("%w: it does not accept principal %q with the secret in the file of --secret_file: %w", fs.ErrPermission, a.credential.Principal, status)
	case code == http.StatusForbidden:
		return fmt.Errorf("%w: this principal may not do that; ask the operator for view_container, view_task and access_sandbox: %w", fs.ErrPermission, status)
	case code == http.StatusServiceUnavailable:
		return fmt.Errorf("%w: %w", errRestarting, status)
	case code >= 300 && code < 400:
		to := printable(response.Header.Get("Location"))
		return fmt.Errorf("it sends the question on to %.200q, where no secret is sent; expected the agent's own address, not a master's or a proxy's", to)
	}
	return status
}

// goneMeanwhile says that a file went away after the agent had found it and before it
// opened it, which is an internal error to it (Mesos: src/files/files.cpp).
func goneMeanwhile(said string) bool {
	return strings.Contains(said, "Failed to open file at") && strings.Contains(said, "No such file or directory")
}

// unreachable says that an agent could not be asked: it may come back.
func unreachable(ctx context.Context, err error) bool {
	var network *url.Error
	return err != nil && ctx.Err() == nil && (errors.As(err, &network) || errors.Is(err, errRestarting))
}

// printable makes one line of what another machine said, without what a terminal obeys.
func printable(untrusted string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case !unicode.IsPrint(r):
			return '?'
		}
		return r
	}, untrusted))
}
