package stream

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	"sluice/core/logformat"
	"sluice/core/worker"
	sluicepb "sluice/proto"
)

// openNames are those that opening a stream looks at, or nearly.
var openNames = []string{
	"stdout", "stdout.1", "stdout.2", "stdout.1.gz", logformat.CarryPrefix("stdout") + "0-5", logformat.CarryPrefix("stdout") + "5-10",
	logformat.CarryPrefix("stdout") + "3-4096", logformat.CarryPrefix("stdout") + "00-5", logformat.CarryPrefix("stdout") + "-1-5",
	logformat.CarryPrefix("stdout") + "9223372036854775807-0", logformat.CarryPrefix("stdout"), ".stdout.sluice-new", ".stdout.sluice-new-1",
	".stdout.sluice-tmp.taken", "stdout.impostor-1", "old", "stdout.logrotate.conf",
}

// openContents are what may be in them; a text may be a mark, or half of one.
func openContents() []string {
	gap := &sluicepb.Gap{Bytes: 7, Lines: 1, SinceUnixNano: 1, Cause: sluicepb.Cause_NO_SPACE}
	mark := string((&loss{gap: gap}).markText(time.Unix(2, 0), false))
	return []string{
		"", "a line\n", "half of", "a line\nhalf of", mark, "a line\n" + mark, mark[:len(mark)/2], "half" + string((&loss{gap: gap}).markText(time.Unix(2, 0), true)),
		strings.Repeat("0123456789\n", 400), strings.Repeat("x", servedLimitBytes+10), "\x00\x00\x00\x00", "\x1f\x8bplanted",
	}
}

// laySandbox makes what a task may have left: three bytes for each name.
func laySandbox(dir, outside string, script []byte) {
	contents := openContents()
	for i := 0; i+3 <= len(script) && i < 3*16; i += 3 {
		path := filepath.Join(dir, openNames[int(script[i])%len(openNames)])
		text := contents[int(script[i+2])%len(contents)]
		switch script[i+1] % 8 {
		case 0:
			_ = os.Symlink(outside, path)
		case 1:
			_ = os.Mkdir(path, 0o755)
		case 2:
			_ = unix.Mkfifo(path, 0o666)
		case 3:
			_ = os.Link(filepath.Join(dir, openNames[int(script[i+2])%len(openNames)]), path)
		case 4:
			if info, err := os.Lstat(path); err == nil && info.Mode().IsRegular() {
				_ = os.Truncate(path, int64(script[i+2])<<(script[i+2]%40))
			}
		default:
			if f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0o644); err == nil {
				_, _ = f.WriteString(text)
				_ = f.Close()
			}
		}
	}
}

// accounted makes an account of any bytes; an odd inode in it stands for the live file's.
func accounted(account []byte, inode uint64) *sluicepb.Accounting {
	a := &sluicepb.Accounting{}
	if proto.Unmarshal(account, a) != nil {
		a = &sluicepb.Accounting{}
	}
	if a.GetLiveInode()%2 == 1 {
		a.LiveInode = inode
	}
	if a.GetLiveInode() == 0 {
		a.LiveInode = 1 << 40 // a stream without a past is a launch, which may be refused
	}
	return a
}

// FuzzOpen opens a stream in a sandbox that a hostile task has prepared, with an account of
// any bytes: whatever there is, the next lines of the container arrive in the live file,
// whole and once, but for what ends a gap, and what is outside of the sandbox is as it was.
func FuzzOpen(f *testing.F) {
	for n := range openNames {
		f.Add([]byte{byte(n), 5, 9, 0, 6, 3, byte(n + 3), 7, 2}, []byte{}, uint8(n))
		f.Add([]byte{0, 7, byte(n), 4, 5, 1, 5, 7, 4, byte(n), byte(n), 1}, []byte("\x30\x01\x38\x05\x40\x05"), uint8(n))
	}
	gone, err := proto.Marshal(&sluicepb.Accounting{
		LiveInode: 1, LiveStartBytes: 7, WrittenBytes: 7, DroppedBytes: 7, DroppedLines: 1,
		Gap: &sluicepb.Gap{Bytes: 7, Lines: 1, SinceUnixNano: 1}, Mark: &sluicepb.Mark{GapSinceUnixNano: 1, Bytes: 80},
	})
	require.NoError(f, err)
	f.Add([]byte{0, 5, 5}, gone, uint8(0))
	f.Add([]byte{0, 5, 6}, gone, uint8(1))
	policies := []string{"rotate 2", "rotate 2\ncompress", "rotate 0", "rotate 2\nolddir old\ncreateolddir 755", "rotate 2\ndateext\ncreate 0600"}
	f.Fuzz(func(t *testing.T, script, account []byte, which uint8) {
		s := newServed(t, policies[int(which)%len(policies)])
		outside := filepath.Join(t.TempDir(), "outside")
		require.NoError(t, os.WriteFile(outside, []byte("outside\n"), 0o600))
		laySandbox(s.dir, outside, script)
		var st unix.Stat_t
		_ = unix.Lstat(s.live(), &st)
		s.saved.Load().Accounting = accounted(account, st.Ino)
		lines := fmt.Sprintf("first of %d\nsecond\n", len(script))
		s.owner(func(thread *worker.Thread, of *Stream) {
			now := time.Now()
			before := of.Account()
			if before.Dropped != (Account{}).Dropped || of.loss.gap != nil {
				// Of a gap that goes on more may be lost, and is counted; then it is over.
				s.visits(thread, of, before, "lost, maybe\n", &now)
				before = of.Account()
			}
			s.visits(thread, of, before, lines, &now)
			require.Equal(t, before.DroppedBytes, of.Account().DroppedBytes, "nothing is dropped")
		})
		info, err := os.Stat(s.live())
		require.NoError(t, err)
		require.LessOrEqual(t, info.Size(), int64(servedLimitBytes))
		log, err := os.ReadFile(s.live())
		require.NoError(t, err)
		require.True(t, bytes.HasSuffix(log, []byte(lines)), "the live file ends with %q", log[max(0, len(log)-80):])
		untouched, err := os.ReadFile(outside)
		require.NoError(t, err)
		require.Equal(t, "outside\n", string(untouched))
	})
}
