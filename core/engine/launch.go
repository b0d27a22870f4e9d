package engine

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	mesos "github.com/mesos/mesos-go/api/v1/lib"

	"sluice/core/settings"
	sluicepb "sluice/proto"
)

// Launch is what is known of a container before it starts.
type Launch struct {
	// ContainerID is the ids from the root container down, joined by dots.
	ContainerID string
	FrameworkID string
	ExecutorID  string
	TaskID      string
	// Sandbox is the absolute path of the container's directory.
	Sandbox string
	// User that the container runs as; empty: the agent's own.
	User string
	// Environment of the container's command. Its values are the task's.
	Environment []settings.Variable
	// Debug containers are those of health checks and attached commands.
	Debug bool
}

// DecodeLaunch reads a serialised sluice.Launch with the messages of Mesos in it.
func DecodeLaunch(data []byte) (Launch, error) {
	var message sluicepb.Launch
	if err := proto.Unmarshal(data, &message); err != nil {
		return Launch{}, fmt.Errorf("decode the launch: %w", err)
	}
	launch := Launch{Sandbox: message.GetDirectory(), User: message.GetUser(), Debug: message.GetDebug()}
	if !filepath.IsAbs(launch.Sandbox) {
		return Launch{}, fmt.Errorf("the sandbox is %q, expected an absolute path", launch.Sandbox)
	}
	return launch, errors.Join(
		launch.decodeID(message.GetContainerId()),
		launch.decodeCommand(message.GetCommandInfo()),
		launch.decodeExecutor(message.GetExecutorInfo()),
		launch.decodeTask(message.GetTaskInfo()),
	)
}

func (l *Launch) decodeID(data []byte) error {
	var id mesos.ContainerID
	if err := id.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the container id: %w", err)
	}
	parts := []string{id.GetValue()}
	for parent := id.GetParent(); parent != nil; parent = parent.GetParent() {
		parts = append([]string{parent.GetValue()}, parts...)
	}
	l.ContainerID = text(strings.Join(parts, "."))
	return nil
}

func (l *Launch) decodeCommand(data []byte) error {
	var command mesos.CommandInfo
	if err := command.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the command of container %q: %w", l.ContainerID, err)
	}
	for _, variable := range command.GetEnvironment().GetVariables() {
		l.Environment = append(l.Environment, settings.Variable{Name: variable.GetName(), Value: variable.GetValue()})
	}
	return nil
}

func (l *Launch) decodeExecutor(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var executor mesos.ExecutorInfo
	if err := executor.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the executor of container %q: %w", l.ContainerID, err)
	}
	l.ExecutorID = text(executor.ExecutorID.GetValue())
	l.FrameworkID = text(executor.GetFrameworkID().GetValue())
	return nil
}

func (l *Launch) decodeTask(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	var task mesos.TaskInfo
	if err := task.Unmarshal(data); err != nil {
		return fmt.Errorf("decode the task of container %q: %w", l.ContainerID, err)
	}
	l.TaskID = text(task.TaskID.GetValue())
	return nil
}

// text is an id as the record can hold it. Frameworks choose the ids of their tasks and
// executors, and Mesos lets any bytes pass but control characters and slashes; here ids are for people only.
func text(untrustedID string) string { return strings.ToValidUTF8(untrustedID, "\uFFFD") }
