package realagent

import (
	"context"
	"path"
	"strings"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"github.com/mesos/mesos-go/api/v1/lib/agent/calls"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/apierrors"
	"github.com/mesos/mesos-go/api/v1/lib/httpcli/httpagent"
)

// logAlias is the name under which the agent's files API has --external_log_file.
const logAlias = "/slave/log"

// readBytes is how much is asked for at a time; the agent gives no more than 16 pages.
const readBytes = 64 << 10

// newSender talks to the agent on a port of loopback. The time limit is for hosts that
// hang; WAIT_CONTAINER is answered when the container ends.
func newSender(port int) calls.Sender {
	client := httpcli.New(
		httpcli.Endpoint(endpoint(port)),
		httpcli.Do(httpcli.With(httpcli.Timeout(10*time.Minute))),
	)
	return httpagent.NewSender(client.Send)
}

// send asks and decodes the answer, if there is one.
func send(s calls.Sender, call *agent.Call, answer *agent.Response) error {
	response, err := s.Send(context.Background(), calls.NonStreaming(call))
	if response != nil {
		defer response.Close()
	}
	if err != nil || answer == nil {
		return err
	}
	return response.Decode(answer)
}

// shell is a command with the logger's variables in its environment.
func shell(script string, variables map[string]string) *mesos.CommandInfo {
	command := &mesos.CommandInfo{Value: &script, Environment: &mesos.Environment{}}
	for name, value := range variables {
		command.Environment.Variables = append(command.Environment.Variables,
			mesos.Environment_Variable{Name: "CONTAINER_LOGGER_" + name, Value: &value})
	}
	return command
}

func launch(s calls.Sender, id mesos.ContainerID, command *mesos.CommandInfo) error {
	return send(s, calls.LaunchContainer(id, command, nil, nil), nil)
}

// wait waits for a container's end. The status is nil where the agent does not know it:
// it forgets a standalone container as soon as that has ended, and one that is older than
// the agent is no child of it.
func wait(s calls.Sender, id mesos.ContainerID) (status *int32, err error) {
	var answer agent.Response
	err = send(s, calls.WaitContainer(id), &answer)
	if apierrors.CodeNotFound.Matches(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return answer.GetWaitContainer().ExitStatus, nil
}

func getMetrics(s calls.Sender) (map[string]float64, error) {
	var answer agent.Response
	if err := send(s, calls.GetMetrics(nil), &answer); err != nil {
		return nil, err
	}
	metrics := map[string]float64{}
	for _, metric := range answer.GetMetrics.Metrics {
		if metric.Value != nil {
			metrics[metric.Name] = *metric.Value
		}
	}
	return metrics, nil
}

// listFiles gives the names in a directory and the sizes of the files.
func listFiles(s calls.Sender, dir string) (map[string]uint64, error) {
	var answer agent.Response
	if err := send(s, calls.ListFiles(dir), &answer); err != nil {
		return nil, err
	}
	sizes := map[string]uint64{}
	for _, info := range answer.GetListFiles().GetFileInfos() {
		sizes[path.Base(info.Path)] = info.GetSize_()
	}
	return sizes, nil
}

// readFile reads a file to its end.
func readFile(s calls.Sender, file string) ([]byte, error) {
	var content []byte
	for {
		var answer agent.Response
		call := calls.ReadFileWithLength(file, uint64(len(content)), readBytes)
		if err := send(s, call, &answer); err != nil {
			return nil, err
		}
		if len(answer.ReadFile.Data) == 0 {
			return content, nil
		}
		content = append(content, answer.ReadFile.Data...)
	}
}

// sandbox is where the files API has the sandbox of a standalone container or one
// nested in it.
func sandbox(id mesos.ContainerID) string {
	names := []string{id.Value}
	for parent := id.Parent; parent != nil; parent = parent.Parent {
		names = append([]string{parent.Value}, names...)
	}
	return path.Join(logAlias, strings.Join(names, "/containers/"))
}
