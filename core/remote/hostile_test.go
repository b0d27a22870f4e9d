package remote

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// other is some server that is asked in place of an agent.
func other(t *testing.T, answer http.HandlerFunc) *Agent {
	t.Helper()
	web := httptest.NewServer(answer)
	t.Cleanup(web.Close)
	a, err := Dial(web.URL, Credential{"operator", "secret"})
	require.NoError(t, err)
	return a
}

// What an agent says that is none is told in words, without what a terminal obeys.
func TestAnswersThatAreNone(t *testing.T) {
	for _, c := range []struct {
		what   string
		answer http.HandlerFunc
		want   string
	}{
		{"a redirect", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "http://elsewhere/\u009b2J")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, `it sends the question on to "http://elsewhere/`},
		{"another redirect", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) }, "expected the agent's own address"},
		{"an error with a sequence", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte("\x1b[2J\x1b[H\u009b6n all is well\n"))
		}, "HTTP status 500: ?[2J?[H?6n all is well"},
		{"a page", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>hello</html>")) }, "expected the address of an agent"},
		{"a master's answer", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), 19))
		}, "expected the address of an agent"},
		{"recovery", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte("Agent has not finished recovery"))
		}, "has not recovered its containers yet"},
	} {
		_, _, err := other(t, c.answer).Find(t.Context(), "web")
		require.ErrorContains(t, err, c.want, c.what)
		assert.NotContains(t, err.Error(), "\x1b", c.what)
		assert.NotContains(t, err.Error(), "secret\"", c.what)
	}
}

// However long an answer is, and whatever it is made of, little of it is held.
func TestMemoryIsBounded(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(25)) // what is held, not what was
	tag := func(field protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), value)
	}
	for what, item := range map[string]struct {
		part protowire.Number
		one  []byte
	}{
		"files": {listFilesField, tag(itemsField, tag(1, []byte("/x/stdout.1")))},
		"tasks": {tasksField, tag(5, must((&mesos.Task{
			Name: "x", State: mesos.TASK_RUNNING.Enum(),
			Statuses: []mesos.TaskStatus{{State: mesos.TASK_RUNNING.Enum()}},
		}).Marshal()))},
		"containers": {containersField, tag(itemsField, must((&agent.Response_GetContainers_Container{}).Marshal()))},
	} {
		many := tag(item.part, []byte(strings.Repeat(string(item.one), maxAnswerBytes/len(item.one)-64)))
		var most atomic.Uint64
		a := other(t, func(w http.ResponseWriter, r *http.Request) {
			call := &agent.Call{}
			body := make([]byte, r.ContentLength)
			_, _ = r.Body.Read(body)
			_ = call.Unmarshal(body)
			answer := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), uint64(agent.Response_Type_value[call.Type.String()]))
			_, _ = w.Write(answer)
			_, _ = w.Write(many)
		})
		stop := make(chan struct{})
		watched := make(chan struct{})
		runtime.GC()
		var before runtime.MemStats
		runtime.ReadMemStats(&before)
		go func() {
			defer close(watched)
			for {
				select {
				case <-stop:
					return
				case <-time.After(time.Millisecond):
				}
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				most.Store(max(most.Load(), now.HeapAlloc-min(now.HeapAlloc, before.HeapAlloc)))
			}
		}()
		_, _, err := a.Find(t.Context(), "nobody")
		require.Error(t, err, what)
		_, err = a.Open(t.Context(), "/x", "stdout")
		require.Error(t, err, what)
		close(stop)
		<-watched
		assert.Less(t, most.Load(), uint64(64<<20), what)
	}
}

func must(data []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return data
}

// An answer without an end is given up, in bytes and in time.
func TestAnswersWithoutEnd(t *testing.T) {
	_, _, err := other(t, func(w http.ResponseWriter, r *http.Request) {
		for chunk := make([]byte, 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}).Find(t.Context(), "web")
	require.ErrorContains(t, err, "the answer is longer than 16 MB")

	a := other(t, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write([]byte{0})
			_ = http.NewResponseController(w).Flush()
			time.Sleep(5 * time.Millisecond)
		}
	})
	assert.Equal(t, callTimeout, a.client.Timeout)
	a.client.Timeout = 200 * time.Millisecond
	_, _, err = a.Find(t.Context(), "web")
	require.ErrorContains(t, err, "Client.Timeout")
}

// Listings that make no sense end a reading with an error, and never with a panic.
func FuzzHostileListings(f *testing.F) {
	f.Add([]byte("\x00\x01\x02\x03\x04\x05\x06\x07\x08"), byte(0))
	f.Add([]byte("\xff\xfe\x10\x20\x00\x00\x80\x80\x05\x05"), byte(1))
	names := []string{"stdout", "stdout.1", "stdout.2", "stdout.1.gz", "stdout.2.gz", "stdout.9", "stdout.2147483647", ".stdout.sluice-tmp.taken", "stdout-20260101", "..", "", "stdout.01"}
	policies := []string{"rotate 2", "rotate 2\ncompress", "rotate 2\ndateext", "rotate 0"}
	f.Fuzz(func(t *testing.T, listing []byte, which byte) {
		s := &server{attached: map[string]string{"/sandbox": t.TempDir()}}
		dir := s.attached["/sandbox"]
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout.logrotate.conf"), []byte("\"x\" {\n"+policies[int(which)%len(policies)]+"\n}\n"), 0o644))
		at, calls := 0, 0
		next := func() byte {
			if len(listing) == 0 {
				return 0
			}
			at++
			return listing[at%len(listing)]
		}
		s.listed = func() (infos []mesos.FileInfo) {
			for range next() % 8 {
				size, mode := uint64(next())<<(next()%64), uint32(0o100644)
				if next()%8 == 0 {
					mode = uint32(next()) << 8
				}
				infos = append(infos, mesos.FileInfo{
					Path: "/sandbox/" + names[int(next())%len(names)], Size_: &size, Mode: &mode,
					Mtime: &mesos.TimeInfo{Nanoseconds: int64(next()) << (next() % 64)},
				})
			}
			return infos
		}
		s.given = func(call *agent.Call_ReadFile) ([]byte, uint64, error) {
			if filepath.Ext(call.Path) == ".conf" {
				return s.read(call)
			}
			if next()%4 == 0 {
				return nil, 0, fs.ErrNotExist
			}
			return make([]byte, next()), uint64(next()) << (next() % 64), nil
		}
		s.fail = func(*agent.Call) error {
			if calls++; calls > 300 {
				return os.ErrPermission
			}
			return nil
		}
		a := serve(t, s)
		series, err := a.Open(t.Context(), "/sandbox", "stdout")
		require.NoError(t, err)
		r, err := series.Read(t.Context())
		if err != nil {
			return
		}
		if next()%2 == 0 {
			_ = r.Last(t.Context(), int64(next()))
		}
		if next()%2 == 0 {
			_ = r.Since(t.Context(), time.Unix(int64(next()), 0))
		}
		_ = r.Copy(t.Context(), discard{})
	})
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
