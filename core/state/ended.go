package state

import (
	"errors"
	"fmt"
	"strings"

	sluicepb "sluice/proto"
)

// endedSuffix is that of the record of a stream that has ended and left rotated files.
const endedSuffix = ".ended"

// KeepEnded forgets a stream that has ended, as Remove does, except for its record, which
// LoadEnded gives from then on.
func (d *Dir) KeepEnded(id string, record *sluicepb.StreamRecord) error {
	data, err := encodeRecord(record)
	if err != nil {
		return fmt.Errorf("encode record %q: %w", id, err)
	}
	return errors.Join(d.replace(id+endedSuffix, data), d.Remove(id))
}

// Ended lists the ids of the streams whose records KeepEnded kept.
func (d *Dir) Ended() ([]string, error) {
	names, err := d.names()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, name := range names {
		if id, ok := strings.CutSuffix(name, endedSuffix); ok {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// LoadEnded reads the record of a stream that has ended. Errors are those of Load.
func (d *Dir) LoadEnded(id string) (*sluicepb.StreamRecord, error) {
	return d.load(id, endedSuffix)
}

// RemoveEnded forgets it.
func (d *Dir) RemoveEnded(id string) error { return d.unlink(id + endedSuffix) }
