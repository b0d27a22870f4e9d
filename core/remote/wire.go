package remote

import (
	"path"
	"time"

	mesos "github.com/mesos/mesos-go/api/v1/lib"
	"github.com/mesos/mesos-go/api/v1/lib/agent"
	"google.golang.org/protobuf/encoding/protowire"
)

const (
	// Fields of agent.Response (include/mesos/v1/agent/agent.proto).
	typeField       = 1
	listFilesField  = 7
	readFileField   = 8
	containersField = 10
	tasksField      = 13
	// maxItemBytes are of one task or container, which no agent has longer.
	maxItemBytes = 1 << 20
	// maxDepth of containers within each other is more than Mesos allows.
	maxDepth = 64
	// itemsField is that of the files and containers in their lists.
	itemsField = 1
)

// message is one of mesos-go's.
type message interface{ Unmarshal(data []byte) error }

// fields calls each for the fields of a message that hold bytes, and for the numbers. Messages of
// many parts are taken part by part: decoded at once, an answer of some megabytes can take
// a hundred times as much memory.
func fields(untrusted []byte, each func(number protowire.Number, value []byte, varint uint64) error) error {
	for len(untrusted) > 0 {
		number, kind, n := protowire.ConsumeTag(untrusted)
		if n < 0 {
			return errNoAnswer
		}
		untrusted = untrusted[n:]
		var value []byte
		var varint uint64
		switch kind {
		case protowire.BytesType:
			value, n = protowire.ConsumeBytes(untrusted)
		case protowire.VarintType:
			varint, n = protowire.ConsumeVarint(untrusted)
		default:
			n = protowire.ConsumeFieldValue(number, kind, untrusted)
		}
		if n < 0 {
			return errNoAnswer
		}
		untrusted = untrusted[n:]
		if err := each(number, value, varint); err != nil {
			return err
		}
	}
	return nil
}

// answers checks that an answer is to a question of that type.
func answers(untrusted []byte, question agent.Call_Type) error {
	want := agent.Response_Type(agent.Response_Type_value[question.String()])
	is := false
	err := fields(untrusted, func(number protowire.Number, _ []byte, varint uint64) error {
		is = is || number == typeField && varint == uint64(want)
		return nil
	})
	if err == nil && !is {
		err = errNoAnswer
	}
	return err
}

// single decodes the one part of an answer.
func single(untrusted []byte, part protowire.Number, into message) error {
	err := errNoAnswer
	failed := fields(untrusted, func(number protowire.Number, value []byte, _ uint64) error {
		if number == part && value != nil {
			err = into.Unmarshal(value)
		}
		return nil
	})
	if err != nil || failed != nil {
		return errNoAnswer
	}
	return nil
}

// items calls each for what is in the lists of one part of an answer.
func items(untrusted []byte, part protowire.Number, each func(list protowire.Number, item []byte) error) error {
	return fields(untrusted, func(number protowire.Number, value []byte, _ uint64) error {
		if number != part {
			return nil
		}
		return fields(value, func(list protowire.Number, item []byte, _ uint64) error { return each(list, item) })
	})
}

// eachFile goes through a listing.
func eachFile(answer []byte, each func(file) error) error {
	return items(answer, listFilesField, func(list protowire.Number, item []byte) error {
		var info mesos.FileInfo
		if list != itemsField {
			return nil
		}
		if err := info.Unmarshal(item); err != nil || int64(info.GetSize_()) < 0 {
			return errNoAnswer
		}
		const typeBits, regular = 0o170000, 0o100000
		return each(file{
			name: path.Base(info.Path), size: int64(info.GetSize_()),
			seconds: info.GetMtime().GetNanoseconds() / int64(time.Second),
			regular: info.GetMode()&typeBits == regular,
		})
	})
}

// eachContainer goes through the containers that run.
func eachContainer(answer []byte, each func(agent.Response_GetContainers_Container) error) error {
	return items(answer, containersField, func(list protowire.Number, item []byte) error {
		var c agent.Response_GetContainers_Container
		if list != itemsField {
			return nil
		}
		if len(item) > maxItemBytes || c.Unmarshal(item) != nil || deep(c.ContainerID) {
			return errNoAnswer
		}
		return each(c)
	})
}

// eachTask goes through the tasks that an agent remembers.
func eachTask(answer []byte, each func(mesos.Task) error) error {
	return items(answer, tasksField, func(list protowire.Number, item []byte) error {
		const lastList = 5 // pending, queued, launched, terminated, completed
		var task mesos.Task
		if list < 1 || list > lastList {
			return nil
		}
		if len(item) > maxItemBytes || task.Unmarshal(item) != nil {
			return errNoAnswer
		}
		for _, status := range task.Statuses {
			if id := status.GetContainerStatus().GetContainerID(); id != nil && deep(*id) {
				return errNoAnswer
			}
		}
		return each(task)
	})
}

// deep says that a container is nested deeper than any.
func deep(id mesos.ContainerID) bool {
	depth := 0
	for at := id.Parent; at != nil && depth <= maxDepth; at = at.Parent {
		depth++
	}
	return depth > maxDepth
}
