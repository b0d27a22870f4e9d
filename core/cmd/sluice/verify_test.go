package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const lossMark = "[sluice] 2026-11-22T14:00:00.123Z lost 512 bytes in 4 lines since 2026-11-22T13:59:58.001Z: no space left on device\n"

func TestVerifyHelp(t *testing.T) {
	requireHelp(t, "verify", "--json", "gap  ", "torn  ", "damaged  ", "lost  ", "limit  ", "impostor  ", "record  ", "removed  ", "zeros  ", "guessed  ")
}

func TestVerifyTellsWhatIsWrong(t *testing.T) {
	const conf = "# Written by sluice\n\"/stdout\" {\n    # default\n    rotate 2\n    # default\n    size 100\n}\n"
	whole := box(t, map[string]string{"stdout": "c\n", "stdout.1": "b\n", "stdout.2": "a\n", "stderr": ""})
	bad := box(t, map[string]string{
		"stdout": "c\n", "stdout.1": "b\ntorn", "stdout.3": strings.Repeat("a\n", 51), "stdout.4": "", "stdout.5": "",
		"stdout.logrotate.conf": conf, "stderr": lossMark + "x\n" + lossMark, "stderr.1.gz": "junk",
	})
	for _, c := range []struct {
		target string
		status int
		want   string
	}{
		{whole, 0, "stdout: whole, 3 files, 6 bytes, 3 lines\nstderr: whole, 1 files, 0 bytes, 0 lines\n"},
		{whole + "/stdout", 0, "stdout: whole, 3 files, 6 bytes, 3 lines\n"},
		{bad, 1, `stdout: NOT WHOLE, 5 files, 110 bytes, 53 lines
  gap       stdout.3: number 2 is missing behind it
  limit     stdout.3: holds 102 bytes, the limit is 100
  torn      stdout.1: ends within a line, after 4 bytes of it
  limit     there are 4 rotated files, the policy keeps 2
stderr: NOT WHOLE, 2 files, 234 bytes, 3 lines
  damaged   stderr.1.gz: cannot be verified: compressed by a method that is not built in: it begins with 6a756e6b; expected gzip, zstd, xz or bzip2
  lost      stderr: 2026-11-22T14:00:00.123Z: 512 bytes in 4 lines were lost since 2026-11-22T13:59:58.001Z: no space left on device
  lost      stderr: 2026-11-22T14:00:00.123Z: 512 bytes in 4 lines were lost since 2026-11-22T13:59:58.001Z: no space left on device
  in all, 2 marks tell of 1024 bytes lost in 8 lines
`},
	} {
		status, out, errOut := sluice("verify", "--state_dir="+t.TempDir(), c.target)
		assert.Equal(t, c.want, out)
		assert.Equal(t, c.status, status)
		assert.Equal(t, strings.Repeat("Error: the log is not whole\n", c.status), errOut)
	}
}

func TestVerifyAsJSON(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "c\n", "stdout.2": "a\n"})
	status, out, _ := sluice("verify", "--json", "--state_dir="+t.TempDir(), dir)
	assert.Equal(t, 1, status)
	var got struct {
		Sandbox string
		Whole   bool
		Streams []struct {
			Live     string
			Whole    bool
			Findings []map[string]string
			Files    []map[string]any
			Bytes    int
			Marks    *int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &got), out)
	assert.Equal(t, dir, got.Sandbox)
	assert.False(t, got.Whole)
	require.Len(t, got.Streams, 1)
	assert.Equal(t, []map[string]string{{"kind": "gap", "file": "stdout.2", "text": "number 1 is missing behind it"}}, got.Streams[0].Findings)
	require.Len(t, got.Streams[0].Files, 2)
	assert.Equal(t, "stdout.2", got.Streams[0].Files[0]["name"])
	assert.InDelta(t, 4, got.Streams[0].Bytes, 0)
	assert.NotNil(t, got.Streams[0].Marks)
}

// The record of a running container tells limit and policy, and what was written.
func TestVerifyAgainstTheRecord(t *testing.T) {
	dir := box(t, map[string]string{"stdout": "c\n", "stdout.1": "b\n", "stdout.2": "a\n"})
	r := record(t, dir, "3e1c", "task", "rotate 1")
	r.Settings.MaxBytes = 4096
	r.Accounting.Rotations, r.Accounting.WrittenBytes, r.Accounting.LiveInode = 1, 9, 1
	stateDir, _ := stateOf(t, r)
	status, out, _ := sluice("verify", "--state_dir="+stateDir, "3e1c")
	assert.Equal(t, 1, status)
	assert.Equal(t, "stdout: NOT WHOLE, 3 files, 6 bytes, 3 lines\n"+
		"  record    the rotated files hold 4 bytes; by the record 9 were written\n", out)
}

func TestVerifyRefuses(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		want   string
	}{
		{"", 2, "TARGET is missing"},
		{"--jsn x", 2, "has no flag --jsn"},
		{box(t, nil), 1, `there is no "stdout", nor any rotated file of it`},
		{"nobody", 1, `no container, task or executor that runs with this logger is "nobody"`},
	} {
		stateDir, _ := stateOf(t)
		status, _, errOut := sluice(append([]string{"verify", "--state_dir=" + stateDir}, strings.Fields(c.args)...)...)
		assert.Equal(t, c.status, status)
		assert.Contains(t, errOut, c.want)
	}
}
