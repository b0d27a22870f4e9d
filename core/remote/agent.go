package remote

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpagent"
)

// readBytes is what is asked for at a time: agents give no more than 16 pages.
const readBytes = 64 << 10

// callTimeout is the longest that one call may take.
const callTimeout = time.Minute

// Credential is what an agent that authenticates its operators wants to know; the zero
// value is none.
type Credential struct{ Principal, Secret string }

// Agent is an agent's operator API. Its methods block for as long as the agent takes, at
// most callTimeout, and may be called concurrently.
type Agent struct {
	sender calls.Sender
	where  string
}

// Dial gives the agent at an address such as http://host:5051; nothing is asked yet.
func Dial(address string, credential Credential) (*Agent, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("agent %q: expected a URL such as http://host:5051", address)
	}
	if strings.Trim(u.Path, "/") == "" {
		u.Path = "/api/v1"
	}
	options := []httpcli.ConfigOpt{httpcli.Timeout(callTimeout)}
	if credential.Principal != "" {
		options = append(options, httpcli.BasicAuth(credential.Principal, credential.Secret))
	}
	client := httpcli.New(httpcli.Endpoint(u.String()), httpcli.Do(httpcli.With(options...)))
	return &Agent{sender: httpagent.NewSender(client.Send), where: u.Host}, nil
}

// ask sends a call and decodes the answer.
func (a *Agent) ask(ctx context.Context, call *agent.Call) (*agent.Response, error) {
	response, err := a.sender.Send(ctx, calls.NonStreaming(call))
	if response != nil {
		defer response.Close()
	}
	answer := &agent.Response{}
	if err == nil {
		err = response.Decode(answer)
	}
	if err == nil {
		return answer, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	return nil, fmt.Errorf("ask agent %s for %s: %w", a.where, call.Type, a.explain(err))
}

// explain says what to do about an error.
func (a *Agent) explain(err error) error {
	switch {
	case apierrors.CodeNotFound.Matches(err), goneMeanwhile(err):
		return fmt.Errorf("%w (%w)", fs.ErrNotExist, err)
	case apierrors.CodeNotAuthenticated.Matches(err):
		return fmt.Errorf("%w: it wants to know who asks; give --principal and --secret_file: %w", fs.ErrPermission, err)
	case apierrors.Code(http.StatusForbidden).Matches(err):
		return fmt.Errorf("%w: this principal may not do that; ask the operator for view_container, view_task and access_sandbox: %w", fs.ErrPermission, err)
	}
	return err
}

// goneMeanwhile says that a file went away after the agent had found it and before it
// opened it, which is an internal error to it (Mesos: src/files/files.cpp).
func goneMeanwhile(err error) bool {
	return strings.Contains(err.Error(), "Failed to open file at") &&
		strings.Contains(err.Error(), "No such file or directory")
}

// file is a name in a directory as the agent lists it.
type file struct {
	name    string
	size    int64
	seconds int64 // of its last change
	regular bool
}

// list gives what is in a directory. A missing one gives fs.ErrNotExist.
func (a *Agent) list(ctx context.Context, dir string) ([]file, error) {
	answer, err := a.ask(ctx, calls.ListFiles(dir))
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	var files []file
	for _, info := range answer.GetListFiles().GetFileInfos() {
		const typeBits, regular = 0o170000, 0o100000
		files = append(files, file{
			name: path.Base(info.Path), size: int64(info.GetSize_()),
			seconds: info.GetMtime().GetNanoseconds() / int64(time.Second),
			regular: info.GetMode()&typeBits == regular,
		})
	}
	return files, nil
}

// errNoAnswer says that an agent answered a call with something else.
var errNoAnswer = errors.New("the answer is to another question")

// read gives what a file has at an offset, up to readBytes, and how long it is.
func (a *Agent) read(ctx context.Context, name string, offset int64, length int) (data []byte, size int64, err error) {
	answer, err := a.ask(ctx, calls.ReadFileWithLength(name, uint64(offset), uint64(min(length, readBytes))))
	if err == nil && answer.ReadFile == nil {
		err = errNoAnswer
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %q: %w", name, err)
	}
	data = answer.ReadFile.Data
	return data[:min(len(data), length)], int64(answer.ReadFile.Size_), nil
}
