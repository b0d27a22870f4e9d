package remote

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// server answers the operator API from the files of this machine, as an agent does
// (Mesos: src/files/files.cpp), with mesos-go's messages.
type server struct {
	t *testing.T
	// attached maps paths of the API to directories.
	attached   map[string]string
	containers []agent.Response_GetContainers_Container
	tasks      agent.Response_GetTasks
	credential Credential
	// dialled, if set, is what the agent is asked with instead.
	dialled *Credential
	// before is called before a call is answered.
	before func(*agent.Call)
	// fail, if set, may make a call an internal error.
	fail func(*agent.Call) error
	// listed and given, if set, are what listings and files are.
	listed func() []mesos.FileInfo
	given  func(*agent.Call_ReadFile) ([]byte, uint64, error)
	mu     sync.Mutex
}

func serve(t *testing.T, s *server) *Agent {
	t.Helper()
	s.t = t
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	credential := s.credential
	if s.dialled != nil {
		credential = *s.dialled
	}
	a, err := Dial(web.URL, credential)
	require.NoError(t, err)
	return a
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if name, secret, _ := r.BasicAuth(); s.credential != (Credential{}) && (Credential{name, secret}) != s.credential {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(r.Body)
	call := &agent.Call{}
	if err == nil {
		err = call.Unmarshal(body)
	}
	if err != nil || r.URL.Path != "/api/v1" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.before != nil {
		s.before(call)
	}
	answer, err := s.answer(call)
	switch {
	case errors.Is(err, errRestarting):
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "Agent has not finished recovery")
	case errors.Is(err, os.ErrNotExist):
		w.WriteHeader(http.StatusNotFound)
	case errors.Is(err, os.ErrPermission):
		w.WriteHeader(http.StatusForbidden)
	case err != nil:
		w.WriteHeader(http.StatusInternalServerError)
		_, _ = io.WriteString(w, err.Error())
	default:
		data, err := answer.Marshal()
		if !assert.NoError(s.t, err) {
			return
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(data)
	}
}

func (s *server) answer(call *agent.Call) (*agent.Response, error) {
	if s.fail != nil {
		if err := s.fail(call); err != nil {
			return nil, err
		}
	}
	switch call.Type {
	case agent.Call_LIST_FILES:
		if s.listed != nil {
			return &agent.Response{Type: agent.Response_LIST_FILES, ListFiles: &agent.Response_ListFiles{FileInfos: s.listed()}}, nil
		}
		infos, err := s.list(call.ListFiles.Path)
		return &agent.Response{Type: agent.Response_LIST_FILES, ListFiles: &agent.Response_ListFiles{FileInfos: infos}}, err
	case agent.Call_READ_FILE:
		read := s.read
		if s.given != nil {
			read = s.given
		}
		data, size, err := read(call.ReadFile)
		return &agent.Response{Type: agent.Response_READ_FILE, ReadFile: &agent.Response_ReadFile{Size_: size, Data: data}}, err
	case agent.Call_GET_CONTAINERS:
		return &agent.Response{Type: agent.Response_GET_CONTAINERS, GetContainers: &agent.Response_GetContainers{Containers: s.containers}}, nil
	case agent.Call_GET_TASKS:
		return &agent.Response{Type: agent.Response_GET_TASKS, GetTasks: &s.tasks}, nil
	}
	return nil, errors.New("not a call of these tests")
}

// resolve finds the file of a path: what is attached, and what is beneath it.
func (s *server) resolve(name string) (string, error) {
	for at, dir := range s.attached {
		if rest, err := filepath.Rel(at, name); err == nil && filepath.IsLocal(rest) {
			return filepath.Join(dir, rest), nil
		}
	}
	return "", os.ErrNotExist
}

func (s *server) list(name string) (infos []mesos.FileInfo, err error) {
	dir, err := s.resolve(name)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			continue // gone meanwhile
		}
		size, mode := uint64(info.Size()), info.Sys().(*syscall.Stat_t).Mode
		infos = append(infos, mesos.FileInfo{
			Path: path.Join(name, entry.Name()), Size_: &size, Mode: &mode,
			Mtime: &mesos.TimeInfo{Nanoseconds: info.ModTime().Unix() * 1e9},
		})
	}
	return infos, nil
}

// read gives at most 16 pages, and nothing behind the end.
func (s *server) read(call *agent.Call_ReadFile) (data []byte, size uint64, err error) {
	name, err := s.resolve(call.Path)
	if err != nil {
		return nil, 0, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || info.IsDir() {
		return nil, 0, errors.Join(err, errors.New("not a file"))
	}
	data = make([]byte, min(call.GetLength(), 16*4096))
	n, err := f.ReadAt(data, int64(call.Offset))
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return data[:n], uint64(info.Size()), err
}
