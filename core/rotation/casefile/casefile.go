// Package casefile reads the cases that were recorded from the real logrotate, lays out
// their sandboxes, and reads what a program has left there in the shape of what the real
// one left.
package casefile

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/require"
)

// casesVariable names the file that replaces the project's own cases.
const casesVariable = "SLUICE_LOGROTATE_CASES"

// Case is one case: what the real program was told, and what it left.
type Case struct {
	Name, Group, Kind, Options, Deviates string

	MaxSize      int64         `json:"max_size"`
	InitialFiles []InitialFile `json:"initial_files"`
	Rotations    []Trigger
	Tail         *string
	TZ           string
	RootOnly     bool `json:"root_only"`
	Stream       *struct {
		Bytes  int
		Chunks []int
		Time   string
	}
	Expected struct {
		AfterEach []Tree `json:"after_each"`
		Final     Tree
		Stderr    [][]string
	}
}

// InitialFile stands in the sandbox before the first rotation.
type InitialFile struct {
	Path, Text, Type, Target, Mode, Mtime string
	Gzip                                  bool
}

// Trigger is one rotation: what is written before, when it is, and what the task does.
type Trigger struct {
	Append string
	Repeat int
	Time   string
	Before []Change
}

// Change is something that the task does behind the logger's back.
type Change struct {
	Op, Path, Text, Target, Mode string
	Size                         int64
	// At is the time that a written file gets, if it shall be known.
	At time.Time `json:"-"`
}

// Tree is what stands in a sandbox, by path.
type Tree map[string]Node

// Node is one file or directory; what a case leaves open is empty.
type Node struct {
	Type, Mode, Encoding, SHA256, Text, Mtime, Owner, Target string

	Size  *int64
	Nlink int
}

//go:embed cases.json
var own []byte

// Load reads the project's own cases, or those of the file that the variable names.
func Load(t testing.TB) []Case {
	t.Helper()
	data := own
	if path := os.Getenv(casesVariable); path != "" {
		var err error
		data, err = os.ReadFile(path)
		require.NoError(t, err)
	}
	var file struct{ Cases []Case }
	require.NoError(t, json.Unmarshal(data, &file))
	require.NotEmpty(t, file.Cases)
	return file.Cases
}

// Location is where the case's dates are.
func (c Case) Location(t testing.TB) *time.Location {
	if c.TZ == "" {
		return time.UTC
	}
	loc, err := time.LoadLocation(c.TZ)
	require.NoError(t, err)
	return loc
}

// ClockLayout is how a case gives a time, in UTC.
const ClockLayout = "2006-01-02 15:04:05"

// Clock reads a time of a case.
func Clock(t testing.TB, text string, loc *time.Location) time.Time {
	at, err := time.ParseInLocation(ClockLayout, text, time.UTC)
	require.NoError(t, err)
	return at.In(loc)
}

// Lay puts the initial files of a case into dir.
func (f InitialFile) Lay(t testing.TB, dir string) {
	path := filepath.Join(dir, f.Path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	switch f.Type {
	case "dir":
		require.NoError(t, os.Mkdir(path, 0o755))
	case "symlink":
		require.NoError(t, os.Symlink(f.Target, path))
		return
	default:
		content := []byte(f.Text)
		if f.Gzip {
			var b bytes.Buffer
			w := gzip.NewWriter(&b)
			_, _ = w.Write(content)
			require.NoError(t, w.Close())
			content = b.Bytes()
		}
		require.NoError(t, os.WriteFile(path, content, 0o644))
	}
	if f.Mode != "" {
		require.NoError(t, os.Chmod(path, parseMode(t, f.Mode)))
	}
	if f.Mtime != "" {
		at := Clock(t, f.Mtime, time.UTC)
		require.NoError(t, os.Chtimes(path, at, at))
	}
}

func parseMode(t testing.TB, text string) os.FileMode {
	var mode uint32
	_, err := fmt.Sscanf(text, "%o", &mode)
	require.NoError(t, err)
	return os.FileMode(mode)
}

// Make makes the change in dir.
func (c Change) Make(t testing.TB, dir string) {
	path := filepath.Join(dir, c.Path)
	switch c.Op {
	case "truncate":
		require.NoError(t, os.Truncate(path, c.Size))
	case "unlink":
		require.NoError(t, os.Remove(path))
	case "touch":
		f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o644)
		require.NoError(t, err)
		require.NoError(t, f.Close())
	case "write":
		require.NoError(t, os.WriteFile(path, []byte(c.Text), 0o644))
		if !c.At.IsZero() {
			require.NoError(t, os.Chtimes(path, c.At, c.At))
		}
	case "mkdir":
		require.NoError(t, os.MkdirAll(path, 0o755))
	case "symlink":
		require.NoError(t, os.Symlink(c.Target, path))
	case "hardlink":
		require.NoError(t, os.Link(filepath.Join(dir, c.Target), path))
	case "rename":
		require.NoError(t, os.Rename(path, filepath.Join(dir, c.Target)))
	case "chmod":
		require.NoError(t, os.Chmod(path, parseMode(t, c.Mode)))
	case "rmdir":
		require.NoError(t, os.RemoveAll(path))
	default:
		require.FailNow(t, "unknown operation", c.Op)
	}
}

// ReadTree reads a sandbox in the shape of want: what want leaves open is left out.
func ReadTree(t testing.TB, dir string, want Tree) Tree {
	t.Helper()
	got := Tree{}
	require.NoError(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		if name == "stdout.logrotate.state" || name == "stdout.logrotate.conf" || name == "stdout.times" {
			return nil
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if name == "stdout" && (info.Size() == 0 && info.Mode().IsRegular()) {
			return nil
		}
		got[name] = readNode(t, dir, path, info, want[name])
		return nil
	}))
	return got
}

func readNode(t testing.TB, dir, path string, info fs.FileInfo, want Node) Node {
	st, _ := info.Sys().(*syscall.Stat_t)
	mode := fmt.Sprintf("%04o", st.Mode&0o7777)
	var n Node
	switch {
	case info.IsDir():
		n = Node{Type: "dir", Mode: mode}
	case info.Mode()&fs.ModeSymlink != 0:
		target, err := os.Readlink(path)
		require.NoError(t, err)
		return Node{Type: "symlink", Target: target}
	default:
		n = readContent(t, dir, path, want)
		n.Type, n.Mode = "file", mode
		if want.Mtime != "" {
			n.Mtime = info.ModTime().UTC().Format(ClockLayout)
		}
		if want.Nlink != 0 {
			n.Nlink = int(st.Nlink)
		}
	}
	if want.Owner != "" {
		n.Owner = fmt.Sprintf("%d:%d", st.Uid, st.Gid)
	}
	return n
}

func readContent(t testing.TB, dir, path string, want Node) Node {
	raw, err := os.ReadFile(path)
	require.NoError(t, err)
	encoding, content := Decode(t, raw)
	size := int64(len(content))
	text := strings.ReplaceAll(string(content), dir, "{SANDBOX}")
	n := Node{Encoding: encoding, Size: &size}
	if want.Text != "" || want.Size == nil {
		n.Text = text
	}
	if want.SHA256 != "" {
		sum := sha256.Sum256([]byte(text))
		n.SHA256 = hex.EncodeToString(sum[:])
	}
	if want.Size != nil && text != string(content) {
		size = int64(len(text))
	}
	return n
}

// Decode recognises compressed content by its first bytes.
func Decode(t testing.TB, raw []byte) (encoding string, content []byte) {
	switch {
	case bytes.HasPrefix(raw, []byte{0x1f, 0x8b}):
		r, err := gzip.NewReader(bytes.NewReader(raw))
		require.NoError(t, err)
		content, err = io.ReadAll(r)
		require.NoError(t, err)
		return "gzip", content
	case bytes.HasPrefix(raw, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		r, err := zstd.NewReader(bytes.NewReader(raw))
		require.NoError(t, err)
		defer r.Close()
		content, err = io.ReadAll(r)
		require.NoError(t, err)
		return "zstd", content
	case bytes.HasPrefix(raw, []byte("\xfd7zXZ")):
		return "xz", filter(t, raw, "xz", "-dc")
	case bytes.HasPrefix(raw, []byte("BZh")):
		return "bzip2", filter(t, raw, "bzip2", "-dc")
	}
	return "plain", raw
}

func filter(t testing.TB, raw []byte, program string, args ...string) []byte {
	command := exec.CommandContext(t.Context(), program, args...)
	command.Stdin = bytes.NewReader(raw)
	content, err := command.Output()
	require.NoError(t, err, program)
	return content
}
