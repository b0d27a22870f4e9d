package main

import (
	"testing"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/engine"
	sluicepb "sluice/proto"
)

// A framework chooses the ids of its tasks, and Mesos takes bytes that are no text. The
// record of such a task must hold them.
func TestIDsOfAnyBytes(t *testing.T) {
	container, err := (&mesos.ContainerID{Value: "c1", Parent: &mesos.ContainerID{Value: "c0"}}).Marshal()
	require.NoError(t, err)
	executor, err := (&mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: "e\xe4"}, FrameworkID: &mesos.FrameworkID{Value: "f\xff"}}).Marshal()
	require.NoError(t, err)
	task, err := (&mesos.TaskInfo{Name: "t", TaskID: mesos.TaskID{Value: "caf\xe9-1"}}).Marshal()
	require.NoError(t, err)
	data, err := proto.Marshal(&sluicepb.Launch{
		ContainerId: container, Directory: "/sandbox", ExecutorInfo: executor, TaskInfo: task,
	})
	require.NoError(t, err)
	launch, err := decodeLaunch(data)
	require.NoError(t, err)
	assert.Equal(t, engine.Launch{
		ContainerID: "c0.c1", FrameworkID: "f\uFFFD", ExecutorID: "e\uFFFD", TaskID: "caf\uFFFD-1", Sandbox: "/sandbox",
	}, launch)
}

func TestLaunchesThatAreRefused(t *testing.T) {
	relative, err := proto.Marshal(&sluicepb.Launch{Directory: "sandbox"})
	require.NoError(t, err)
	broken, err := proto.Marshal(&sluicepb.Launch{Directory: "/sandbox", ContainerId: []byte{0xff}})
	require.NoError(t, err)
	for want, data := range map[string][]byte{
		"decode the launch": {0xff},
		`the sandbox is "sandbox", expected an absolute`: relative,
		"decode the container id":                        broken,
	} {
		_, err := decodeLaunch(data)
		require.ErrorContains(t, err, want)
	}
}
