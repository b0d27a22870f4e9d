package engine

import (
	"testing"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	sluicepb "sluice/proto"
)

// TestIDsOfAnyBytesStart: a framework chooses the ids of its tasks, and Mesos takes bytes
// that are no text. Such a task starts, and its log is served.
func TestIDsOfAnyBytesStart(t *testing.T) {
	b := newTestbed(t)
	e := b.open()
	defer e.Close()
	container, err := (&mesos.ContainerID{Value: "c1"}).Marshal()
	require.NoError(t, err)
	executor, err := (&mesos.ExecutorInfo{ExecutorID: mesos.ExecutorID{Value: "e\xe4"}, FrameworkID: &mesos.FrameworkID{Value: "f\xff"}}).Marshal()
	require.NoError(t, err)
	task, err := (&mesos.TaskInfo{Name: "t", TaskID: mesos.TaskID{Value: "caf\xe9-1"}}).Marshal()
	require.NoError(t, err)
	data, err := proto.Marshal(&sluicepb.Launch{
		ContainerId: container, Directory: b.sandbox("c1"), ExecutorInfo: executor, TaskInfo: task,
	})
	require.NoError(t, err)
	launch, err := DecodeLaunch(data)
	require.NoError(t, err)
	assert.Equal(t, "caf\uFFFD-1", launch.TaskID)
	assert.Equal(t, "e\uFFFD", launch.ExecutorID)
	d, err := e.Prepare(launch)
	require.NoError(t, err)
	d.close()
	waitEnded(e)
}
