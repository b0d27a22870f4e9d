package state

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

// RecordVersion is the highest version of a record that this code cannot misread: the highest
// in the table of members.
const RecordVersion = 1

// A record on disk is a magic, the length and the CRC-32C of the message (both little-endian
// uint32), and the message.
const (
	recordMagic    = "SLUICER1"
	maxRecordBytes = 1 << 20
)

// RecordHeaderBytes is what a record on disk has before the message.
const RecordHeaderBytes = len(recordMagic) + 8

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Errors that tell why a record cannot be used; match with errors.Is.
var (
	ErrTorn  = errors.New("the record is torn")
	ErrNewer = errors.New("the record was written by a newer version")
)

// Save writes the record of a stream in place of the one before.
func (d *Dir) Save(id string, record *sluicepb.StreamRecord) error {
	data, err := encodeRecord(record)
	if err != nil {
		return fmt.Errorf("encode record %q: %w", id, err)
	}
	return d.replace(id+recordSuffix, data)
}

// Load reads the record of a stream. Errors: ErrTorn, ErrNewer, or the file system's. With
// ErrNewer, of type *NewerError, it gives the record as far as it understands it; Save also
// writes back the rest.
func (d *Dir) Load(id string) (*sluicepb.StreamRecord, error) { return d.load(id, recordSuffix) }

func (d *Dir) load(id, suffix string) (*sluicepb.StreamRecord, error) {
	data, err := d.read(id + suffix)
	if errors.Is(err, errNoFile) {
		return nil, fmt.Errorf("%w: %w", ErrTorn, err)
	}
	if err != nil {
		return nil, err
	}
	record, err := decodeRecord(data)
	if err != nil {
		return record, fmt.Errorf("record %q in state_dir %q: %w", id, d.path, err)
	}
	return record, nil
}

// replace gives a name new contents. At any instant either the old or the new ones are there,
// whole, however the process ends.
func (d *Dir) replace(name string, data []byte) error {
	fd, err := unix.Openat(d.fd, name+newSuffix, unix.O_WRONLY|unix.O_CREAT|unix.O_TRUNC|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return fmt.Errorf("write %q in state_dir %q: %w", name, d.path, err)
	}
	n, err := unix.Write(fd, data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err = errors.Join(err, unix.Close(fd)); err == nil {
		err = unix.Renameat(d.fd, name+newSuffix, d.fd, name)
	}
	if err != nil {
		_ = d.unlink(name + newSuffix)
		return fmt.Errorf("write %q in state_dir %q: %w", name, d.path, err)
	}
	return nil
}

// readBounded reads a file, which no version of ours makes longer than a record.
func readBounded(f *os.File) ([]byte, error) {
	return io.ReadAll(io.LimitReader(f, maxRecordBytes+1))
}

// encodeRecord gives a record its form on disk, with the version that follows from its members.
func encodeRecord(record *sluicepb.StreamRecord) ([]byte, error) {
	version, needs := members.needed(record)
	return EncodeVersion(record, version, needs...)
}

// EncodeVersion makes records of other versions, for tests: it sets the version and the members
// that need it.
func EncodeVersion(record *sluicepb.StreamRecord, version uint32, needs ...string) ([]byte, error) {
	record.Version, record.Needs = version, needs
	message, err := proto.Marshal(record)
	if err != nil {
		return nil, err
	}
	data := make([]byte, 0, RecordHeaderBytes+len(message))
	data = append(data, recordMagic...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(message)))
	data = binary.LittleEndian.AppendUint32(data, crc32.Checksum(message, castagnoli))
	return append(data, message...), nil
}

func decodeRecord(data []byte) (*sluicepb.StreamRecord, error) {
	if len(data) < RecordHeaderBytes || string(data[:len(recordMagic)]) != recordMagic {
		return nil, fmt.Errorf("%w: no header", ErrTorn)
	}
	length := binary.LittleEndian.Uint32(data[len(recordMagic):])
	sum := binary.LittleEndian.Uint32(data[len(recordMagic)+4:])
	message := data[RecordHeaderBytes:]
	if uint64(length) != uint64(len(message)) || crc32.Checksum(message, castagnoli) != sum {
		return nil, fmt.Errorf("%w: length or checksum differ", ErrTorn)
	}
	record := &sluicepb.StreamRecord{}
	if err := proto.Unmarshal(message, record); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrTorn, err)
	}
	if record.GetVersion() > RecordVersion {
		return record, &NewerError{Version: record.GetVersion(), Members: members.missing(record)}
	}
	return record, nil
}
