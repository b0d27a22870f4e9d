package remote

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
)

// readBytes is what is asked for at a time: agents give no more than 16 pages.
const readBytes = 64 << 10

// callTimeout is the longest that one call may take, with its answer.
const callTimeout = time.Minute

// Credential is what an agent that authenticates its operators wants to know; the zero
// value is none.
type Credential struct{ Principal, Secret string }

// Agent is an agent's operator API. Its methods block for as long as the agent takes, at
// most callTimeout for each call, and may be called concurrently. What an agent answers is
// untrusted: it is bounded in bytes, and what of it comes into errors is printable.
type Agent struct {
	client     *http.Client
	endpoint   string
	where      string // host and port
	credential Credential
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
	client := &http.Client{
		Timeout: callTimeout,
		// The secret is for the agent that was named, and for no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return &Agent{client: client, endpoint: u.String(), where: u.Host, credential: credential}, nil
}

// file is a name in a directory as the agent lists it.
type file struct {
	name    string
	size    int64
	seconds int64 // of its last change
	regular bool
}

// maxFiles of a directory are held.
const maxFiles = 1 << 16

// list gives what is in a directory, as far as `want` wants it. A missing directory gives
// fs.ErrNotExist.
func (a *Agent) list(ctx context.Context, dir string, want func(untrusted string) bool) ([]file, error) {
	answer, err := a.ask(ctx, calls.ListFiles(dir))
	var files []file
	if err == nil {
		err = eachFile(answer, func(f file) error {
			if !want(f.name) {
				return nil
			}
			if files = append(files, f); len(files) > maxFiles {
				return fmt.Errorf("it has more than %d files of the log", maxFiles)
			}
			return nil
		})
	}
	if err != nil {
		return nil, fmt.Errorf("list %q: %w", dir, err)
	}
	return files, nil
}

// errNoAnswer says that an agent answered a call with something else.
var errNoAnswer = errors.New("the answer is to another question; expected the address of an agent, whose port is 5051 where nobody changed it, not of a master or another server")

// read gives what a file has at an offset, up to readBytes, and how long it is.
func (a *Agent) read(ctx context.Context, name string, offset int64, length int) (data []byte, size int64, err error) {
	answer, err := a.ask(ctx, calls.ReadFileWithLength(name, uint64(offset), uint64(min(length, readBytes))))
	var content agent.Response_ReadFile
	if err == nil {
		err = single(answer, readFileField, &content)
	}
	if err == nil && int64(content.Size_) < 0 {
		err = errNoAnswer
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read %q: %w", name, err)
	}
	return content.Data[:min(len(content.Data), length)], int64(content.Size_), nil
}
