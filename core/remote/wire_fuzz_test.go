package remote

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/require"
	"google.golang.org/protobuf/encoding/protowire"
)

// answerSeeds are bodies of answers, whole and cut.
func answerSeeds() (seeds [][]byte) {
	tag := func(field protowire.Number, value []byte) []byte {
		return protowire.AppendBytes(protowire.AppendTag(nil, field, protowire.BytesType), value)
	}
	size, huge, mode := uint64(4096), uint64(1)<<63, uint32(0o100644)
	nested := mesos.ContainerID{Value: "c"}
	for range maxDepth + 2 {
		parent := nested
		nested = mesos.ContainerID{Value: "c", Parent: &parent}
	}
	for _, part := range [][]byte{
		tag(listFilesField, tag(itemsField, must((&mesos.FileInfo{Path: "/x/stdout.1", Size_: &size, Mode: &mode}).Marshal()))),
		tag(listFilesField, tag(itemsField, must((&mesos.FileInfo{Path: "/x/stdout", Size_: &huge, Mtime: &mesos.TimeInfo{Nanoseconds: -1}}).Marshal()))),
		tag(readFileField, must((&agent.Response_ReadFile{Size_: size, Data: []byte("a line\n")}).Marshal())),
		tag(readFileField, must((&agent.Response_ReadFile{Size_: huge, Data: []byte{}}).Marshal())),
		tag(containersField, tag(itemsField, must((&agent.Response_GetContainers_Container{ContainerID: nested}).Marshal()))),
		tag(tasksField, tag(5, must((&mesos.Task{Name: "web", State: mesos.TASK_RUNNING.Enum()}).Marshal()))),
		tag(99, []byte("of a later version")),
	} {
		for question := range int32(20) {
			body := append(protowire.AppendVarint(protowire.AppendTag(nil, typeField, protowire.VarintType), uint64(question)), part...)
			seeds = append(seeds, body)
			if question == 0 {
				seeds = append(seeds, body[:len(body)/2], append(body, 0xff, 0xff, 0xff, 0xff, 0x7f))
			}
		}
	}
	return seeds
}

// FuzzAnswers decodes bodies of any bytes: what is no answer is refused, and what is taken
// makes sense.
func FuzzAnswers(f *testing.F) {
	for _, seed := range answerSeeds() {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, untrusted []byte) {
		for question := range agent.Call_Type_name {
			_ = answers(untrusted, agent.Call_Type(question))
		}
		_ = eachFile(untrusted, func(file file) error {
			require.GreaterOrEqual(t, file.size, int64(0))
			require.NotContains(t, file.name[:max(0, len(file.name)-1)], "/")
			return nil
		})
		_ = eachContainer(untrusted, func(c agent.Response_GetContainers_Container) error {
			require.False(t, deep(c.ContainerID))
			return nil
		})
		_ = eachTask(untrusted, func(mesos.Task) error { return nil })
		_ = single(untrusted, readFileField, &agent.Response_ReadFile{})
	})
}

// FuzzBodies reads a log from an agent that answers every question with one of three
// bodies, of any bytes and any HTTP status: it ends, and without a panic.
func FuzzBodies(f *testing.F) {
	seeds := answerSeeds()
	for i := range len(seeds) - 2 {
		f.Add(seeds[i], seeds[i+1], seeds[i+2], uint16(200))
	}
	f.Add([]byte("\x1b[2J"), []byte{}, []byte("<html>"), uint16(503))
	var mu sync.Mutex
	var bodies [][]byte
	status, asked := http.StatusOK, 0
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if asked++; asked > 100 { // who asks for ever is refused in the end
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write(bodies[asked%len(bodies)])
	}))
	f.Cleanup(web.Close)
	f.Fuzz(func(t *testing.T, first, second, third []byte, code uint16) {
		mu.Lock()
		bodies, asked = [][]byte{first, second, third}, 0
		if status = http.StatusOK; code%4 == 1 {
			status = 200 + int(code)%400
		}
		mu.Unlock()
		a, err := Dial(web.URL, Credential{"operator", "secret"})
		require.NoError(t, err)
		a.client.Timeout = 10 * time.Second
		_, _, _ = a.Find(t.Context(), "web")
		series, err := a.Open(t.Context(), "/sandbox", "stdout")
		if err != nil {
			return
		}
		r, err := series.Read(t.Context())
		if err != nil {
			return
		}
		_ = r.Last(t.Context(), 3)
		_ = r.Copy(t.Context(), discard{})
	})
}
