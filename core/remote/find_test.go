package remote

import (
	"fmt"
	"io/fs"
	"testing"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// node is an agent with a command executor, a default executor with a task in a nested
// container, a standalone container, and a task that has ended.
func node() *server {
	outer := mesos.ContainerID{Value: "3e1c-outer"}
	inner := mesos.ContainerID{Value: "77aa", Parent: &outer}
	state := mesos.TASK_RUNNING
	framework := mesos.FrameworkID{Value: "F1"}
	return &server{
		containers: []agent.Response_GetContainers_Container{
			{ContainerID: mesos.ContainerID{Value: "3e1c-web"}, FrameworkID: &framework, ExecutorID: &mesos.ExecutorID{Value: "web.1"}},
			{ContainerID: outer, FrameworkID: &framework, ExecutorID: &mesos.ExecutorID{Value: "default-executor"}},
			{ContainerID: inner},
			{ContainerID: mesos.ContainerID{Value: "standalone"}},
		},
		tasks: agent.Response_GetTasks{
			LaunchedTasks: []mesos.Task{
				{Name: "web", TaskID: mesos.TaskID{Value: "web.1"}, FrameworkID: framework, State: &state},
				{
					Name: "sidecar", TaskID: mesos.TaskID{Value: "pod.instance-1.sidecar"}, FrameworkID: framework, ExecutorID: &mesos.ExecutorID{Value: "default-executor"}, State: &state,
					Statuses: []mesos.TaskStatus{{State: &state, TaskID: mesos.TaskID{Value: "pod.instance-1.sidecar"}, ContainerStatus: &mesos.ContainerStatus{ContainerID: &inner}}},
				},
			},
			CompletedTasks: []mesos.Task{{Name: "batch", TaskID: mesos.TaskID{Value: "batch.9"}, FrameworkID: framework, State: &state}},
		},
	}
}

func TestFind(t *testing.T) {
	a := serve(t, node())
	const executors = "/frameworks/F1/executors/"
	web := Sandbox{Path: executors + "web.1/runs/latest", Container: "3e1c-web"}
	nested := Sandbox{Path: executors + "default-executor/runs/latest/containers/77aa", Container: "3e1c-outer.77aa"}
	for name, want := range map[string]Sandbox{
		"3e1c-web": web, "3e1c-w": web, "web.1": web, "web": web, "we": web,
		"77aa": nested, "3e1c-outer.77aa": nested, "sidecar": nested, "pod.": nested,
		"default-executor": {Path: executors + "default-executor/runs/latest", Container: "3e1c-outer"},
		"batch":            {Path: executors + "batch.9/runs/latest"},
		"/any/path/":       {Path: "/any/path"},
		"/any/path/stderr": {Path: "/any/path", Live: "stderr"},
	} {
		found, _, err := a.Find(t.Context(), name)
		require.NoError(t, err, name)
		assert.Equal(t, want, found, name)
	}
	_, _, err := a.Find(t.Context(), "3e1c")
	require.ErrorContains(t, err, `"3e1c" is ambiguous at agent 127.0.0.1:`)
	assert.ErrorContains(t, err, "3e1c-web, 3e1c-outer")
	_, _, err = a.Find(t.Context(), "nobody")
	require.ErrorIs(t, err, fs.ErrNotExist)
	running, err := a.Running(t.Context(), "3e1c-outer.77aa")
	require.NoError(t, err)
	assert.True(t, running)
	running, err = a.Running(t.Context(), "77aa")
	require.NoError(t, err)
	assert.False(t, running)
}

func TestAgentsThatRefuse(t *testing.T) {
	s := node()
	s.credential = Credential{"operator", "secret"}
	a := serve(t, s)
	_, _, err := a.Find(t.Context(), "web")
	require.NoError(t, err)
	s.mu.Lock()
	s.credential.Secret = "other"
	s.mu.Unlock()
	_, _, err = a.Find(t.Context(), "web")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, `it does not accept principal "operator" with the secret in the file of --secret_file`)
	_, _, err = serve(t, &server{credential: s.credential, dialled: &Credential{}}).Find(t.Context(), "web")
	require.ErrorIs(t, err, fs.ErrPermission)
	assert.ErrorContains(t, err, "give --principal and --secret_file")

	_, err = a.Open(t.Context(), "/nowhere", "stdout")
	require.Error(t, err)
	for _, address := range []string{"", "host:5051", "ftp://host", "http://"} {
		_, err := Dial(address, Credential{})
		require.ErrorContains(t, err, "expected a URL such as http://host:5051", address)
	}
}

// Of several runs of one name the latest is meant, and the others are told; ids of what has
// ended are known.
func TestRunsOfOneName(t *testing.T) {
	s := node()
	done := mesos.TASK_FAILED
	for i, started := range []float64{1000, 4000, 2000, 3000} {
		id := fmt.Sprintf("fail.%d", i)
		s.tasks.CompletedTasks = append(s.tasks.CompletedTasks, mesos.Task{
			Name: "fail", TaskID: mesos.TaskID{Value: id}, FrameworkID: mesos.FrameworkID{Value: "F1"}, State: &done,
			Statuses: []mesos.TaskStatus{{
				State: &done, TaskID: mesos.TaskID{Value: id}, Timestamp: &started,
				ContainerStatus: &mesos.ContainerStatus{ContainerID: &mesos.ContainerID{Value: "c-" + id}},
			}},
		})
	}
	pod := mesos.ContainerID{Value: "pod-outer"}
	s.tasks.CompletedTasks = append(s.tasks.CompletedTasks, mesos.Task{
		Name: "side", TaskID: mesos.TaskID{Value: "side.1"}, FrameworkID: mesos.FrameworkID{Value: "F2"},
		ExecutorID: &mesos.ExecutorID{Value: "pod-executor"}, State: &done,
		Statuses: []mesos.TaskStatus{{
			State: &done, TaskID: mesos.TaskID{Value: "side.1"},
			ContainerStatus: &mesos.ContainerStatus{ContainerID: &mesos.ContainerID{Value: "pod-inner", Parent: &pod}},
		}},
	})
	a := serve(t, s)
	found, others, err := a.Find(t.Context(), "fail")
	require.NoError(t, err)
	assert.Equal(t, "/frameworks/F1/executors/fail.1/runs/latest", found.Path)
	require.Len(t, others, 3)
	assert.Equal(t, []string{"c-fail.3", "c-fail.2", "c-fail.0"}, []string{others[0].ID, others[1].ID, others[2].ID})
	assert.Equal(t, "FAILED", others[0].State)
	assert.Equal(t, int64(3000), others[0].Started.Unix())
	for name, want := range map[string]string{
		"c-fail.2": "/frameworks/F1/executors/fail.2/runs/latest", "fail.0": "/frameworks/F1/executors/fail.0/runs/latest",
		"pod-executor": "/frameworks/F2/executors/pod-executor/runs/latest", "pod-outer": "/frameworks/F2/executors/pod-executor/runs/latest",
		"pod-inner": "/frameworks/F2/executors/pod-executor/runs/latest/containers/pod-inner",
	} {
		found, _, err := a.Find(t.Context(), name)
		require.NoError(t, err, name)
		assert.Equal(t, want, found.Path, name)
	}
	_, _, err = a.Find(t.Context(), "fail.")
	assert.ErrorContains(t, err, `"fail." is ambiguous`)
}
