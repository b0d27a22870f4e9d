package compress

import (
	"bytes"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/logrotate"
)

// TestThePrograms reads what the built-in methods write with the programs of their
// names.
func TestThePrograms(t *testing.T) {
	text := strings.Repeat("a line that repeats\n", 50_000)
	for _, method := range []logrotate.Compressor{
		{Program: "gzip"},
		{Program: "gzip", Level: 1},
		{Program: "gzip", Level: 9},
		{Program: "zstd"},
		{Program: "zstd", Level: 1},
		{Program: "zstd", Level: 19},
		{Program: "zstd", Level: 22},
		{Program: "xz"},
		{Program: "xz", Level: 9},
		{Program: "bzip2"},
		{Program: "bzip2", Level: 1},
	} {
		var packed bytes.Buffer
		require.NoError(t, Copy(&packed, strings.NewReader(text), method))
		require.Less(t, packed.Len(), len(text)/10)
		if _, err := exec.LookPath(method.Program); err != nil {
			t.Logf("the program %s is not installed", method.Program)
			continue
		}
		command := exec.Command(method.Program, "-dc")
		command.Stdin = &packed
		unpacked, err := command.Output()
		require.NoError(t, err, "%+v", method)
		require.Equal(t, text, string(unpacked))
	}
}

func TestNothingIsSomethingToo(t *testing.T) {
	for _, program := range []string{"gzip", "zstd", "xz", "bzip2"} {
		var packed bytes.Buffer
		require.NoError(t, Copy(&packed, strings.NewReader(""), logrotate.Compressor{Program: program}))
		require.NotZero(t, packed.Len())
	}
}

func TestOtherMethodsAreRefused(t *testing.T) {
	err := Copy(io.Discard, strings.NewReader(""), logrotate.Compressor{Program: "lz4"})
	require.EqualError(t, err, `compress: "lz4" is not built in`)
}

var errFull = errors.New("no space left on device")

// full is a file on a full disk.
type full struct{ room int }

func (f *full) Write(p []byte) (int, error) {
	if len(p) > f.room {
		return 0, errFull
	}
	f.room -= len(p)
	return len(p), nil
}

func TestAFullDiskIsAnError(t *testing.T) {
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7 * i)
	}
	for _, program := range []string{"gzip", "zstd", "xz", "bzip2"} {
		for _, room := range []int{0, 10, 10_000} {
			err := Copy(&full{room}, bytes.NewReader(noise), logrotate.Compressor{Program: program})
			require.ErrorIs(t, err, errFull, "%s with room for %d", program, room)
		}
	}
}

// TestMemoryIsBounded: a compression in the agent takes a bounded amount, whatever the
// level that a task asks for.
func TestMemoryIsBounded(t *testing.T) {
	const most = 48 << 20 // what zstd takes at its highest level
	text := bytes.Repeat([]byte("2026-11-27T12:00:00Z GET /index.html 200 0.123\n"), 400_000)
	for _, method := range []logrotate.Compressor{
		{Program: "gzip", Level: 9},
		{Program: "zstd", Level: 22},
		{Program: "xz", Level: 9},
		{Program: "bzip2", Level: 9},
	} {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		require.NoError(t, Copy(io.Discard, bytes.NewReader(text), method))
		runtime.ReadMemStats(&after)
		require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(most), method.Program)
		t.Logf("%s: %d KiB allocated", method.Program, (after.TotalAlloc-before.TotalAlloc)>>10)
	}
}

// midway is an input that stops in its middle until it is released.
type midway struct {
	text     io.Reader
	reached  chan<- struct{}
	released <-chan struct{}
	once     sync.Once
}

func (m *midway) Read(p []byte) (int, error) {
	n, err := m.text.Read(p)
	if err == io.EOF {
		m.once.Do(func() { m.reached <- struct{}{}; <-m.released })
	}
	return n, err
}

// TestMemoryOfManyEncoders compresses many files at once with the level that takes most.
func TestMemoryOfManyEncoders(t *testing.T) {
	const parallel, mostBytes = 8, 140 << 20
	text := strings.Repeat("2026-11-22T14:00:00 INFO a line of a log that has 1234567 in it\n", 20_000)
	method := logrotate.Compressor{Program: "zstd", Level: 19}
	outputs := make([]bytes.Buffer, parallel)
	reached, released := make(chan struct{}), make(chan struct{})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var work sync.WaitGroup
	for i := range outputs {
		work.Go(func() {
			assert.NoError(t, Copy(&outputs[i], &midway{text: strings.NewReader(text), reached: reached, released: released}, method))
		})
	}
	for range outputs {
		<-reached
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	close(released)
	work.Wait()
	taken := int64(during.HeapAlloc) - int64(before.HeapAlloc)
	t.Logf("%d MB for %d encoders", taken>>20, parallel)
	assert.Less(t, taken, int64(mostBytes))
	assert.Zero(t, large.Load())
	for i := range outputs {
		unpacked, err := zstd.NewReader(&outputs[i])
		require.NoError(t, err)
		same, err := io.ReadAll(unpacked)
		require.NoError(t, err)
		require.True(t, bytes.Equal([]byte(text), same))
		unpacked.Close()
	}
}

// TestAnEncoderThatFailedIsNotUsedAgain: and one that was given up counts no more.
func TestAnEncoderThatFailedIsNotUsedAgain(t *testing.T) {
	text := strings.Repeat("text\n", 1<<16)
	for _, method := range []logrotate.Compressor{{Program: "gzip"}, {Program: "zstd"}, {Program: "zstd", Level: 19}} {
		for range 3 {
			require.Error(t, Copy(&full{10}, strings.NewReader(text), method))
			func() {
				defer func() { _ = recover() }()
				_ = Copy(io.Discard, panicking{}, method)
			}()
			var packed bytes.Buffer
			require.NoError(t, Copy(&packed, strings.NewReader(text), method))
			require.NotZero(t, packed.Len())
		}
	}
	assert.Zero(t, large.Load())
}

type panicking struct{}

func (panicking) Read([]byte) (int, error) { panic("injected") }
