package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lookAtTheLog is a policy whose scripts note what the live file's name leads to.
const lookAtTheLog = `rotate 30
create %s
prerotate
  stat -c 'prerotate %%n %%a' "$1" >> looks
endscript
postrotate
  stat -c 'postrotate %%n %%a %%s' "$1" >> looks 2>&1 || echo 'postrotate finds nothing' >> looks
endscript
lastaction
  stat -c 'lastaction %%n %%a %%s' stdout >> looks 2>&1 || echo 'lastaction finds nothing' >> looks
endscript`

// TestPostrotateFindsTheNewLog: where the policy has `create`, the scripts after the
// rotation find the next live file, with its mode and empty, as those of logrotate do;
// and nothing of the log is lost or torn by that.
func TestPostrotateFindsTheNewLog(t *testing.T) {
	for _, mode := range []string{"0600", "0640", ""} {
		t.Run("create "+mode, func(t *testing.T) {
			dir := openDir(t)
			path := filepath.Join(dir, "stdout")
			cmd := process("pipe", "--max_size=16KB", "--allow_scripts=true",
				"--logrotate_options="+fmt.Sprintf(lookAtTheLog, mode), "--log_filename="+path)
			written := sevenDigits(100_000)
			cmd.Stdin = bytes.NewReader(written)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s", out)
			got, rotated := joined(t, path)
			require.Equal(t, string(written), string(got))
			require.Greater(t, rotated, 4)

			looks, err := os.ReadFile(filepath.Join(dir, "looks"))
			require.NoError(t, err)
			octal := strings.TrimPrefix(mode, "0")
			if octal == "" {
				octal = "644"
			}
			want := strings.Repeat(fmt.Sprintf("prerotate %[1]s %[2]s\npostrotate %[1]s %[2]s 0\nlastaction stdout %[2]s 0\n", path, octal), rotated)
			assert.Equal(t, want, string(looks))
		})
	}
}

// TestPostrotateMayWriteIntoTheNewLog: what a script writes there is kept, in front of
// what follows; and the beginning of a line that is carried over comes first of all.
func TestPostrotateMayWriteIntoTheNewLog(t *testing.T) {
	dir := openDir(t)
	path := filepath.Join(dir, "stdout")
	cmd := process("pipe", "--max_size=16KB", "--allow_scripts=true", "--log_filename="+path,
		"--logrotate_options=rotate 30\ncreate\npostrotate\n  echo rotated >> \"$1\"\nendscript")
	written := sevenDigits(100_000)
	cmd.Stdin = bytes.NewReader(written)
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	got, rotated := joined(t, path)
	assert.Equal(t, rotated, strings.Count(string(got), "rotated\n"))
	assert.Equal(t, string(written), strings.ReplaceAll(string(got), "rotated\n", ""))
}

// TestPostrotateAndACarriedLine: the beginning of a line that was in the old file is in
// the new one when the script looks, and nothing of it is lost or doubled.
func TestPostrotateAndACarriedLine(t *testing.T) {
	dir := openDir(t)
	path := filepath.Join(dir, "stdout")
	cmd := process("pipe", "--max_size=16KB", "--allow_scripts=true", "--log_filename="+path,
		"--logrotate_options=rotate 30\ncreate\npostrotate\n  cat \"$1\" >> looks; echo >> looks\nendscript")
	in, err := cmd.StdinPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	begun := append(sevenDigits(8000), "begun, "...)
	_, err = in.Write(begun)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := os.Stat(path)
		return err == nil && info.Size() == int64(len(begun))
	}, time.Minute, time.Millisecond, "the beginning of the line reaches the file")
	rest := append(bytes.Repeat([]byte("-"), 10_000), '\n')
	_, err = in.Write(rest)
	require.NoError(t, err)
	require.NoError(t, in.Close())
	require.NoError(t, cmd.Wait())
	got, rotated := joined(t, path)
	require.Equal(t, 1, rotated)
	require.Equal(t, string(begun)+string(rest), string(got))
	looks, err := os.ReadFile(filepath.Join(dir, "looks"))
	require.NoError(t, err)
	require.Equal(t, "begun, \n", string(looks))
}

// TestPostrotateSeesWhatLogrotatesWouldSee asks the installed program.
func TestPostrotateSeesWhatLogrotatesWouldSee(t *testing.T) {
	if _, err := exec.LookPath("logrotate"); err != nil {
		t.Skip("missing program: logrotate")
	}
	dir := openDir(t)
	path := filepath.Join(dir, "stdout")
	require.NoError(t, os.WriteFile(path, sevenDigits(10_000), 0o644))
	conf := filepath.Join(dir, "conf")
	options := strings.NewReplacer(" stdout >> looks", " "+path+" >> "+dir+"/looks", ">> looks", ">> "+dir+"/looks").Replace(fmt.Sprintf(lookAtTheLog, "0600"))
	require.NoError(t, os.WriteFile(conf, fmt.Appendf(nil, "%q {\n%s\nsize 1\n}\n", path, options), 0o444))
	out, err := exec.Command("logrotate", "--state", conf+".state", conf).CombinedOutput()
	require.NoError(t, err, "%s", out)
	looks, err := os.ReadFile(filepath.Join(dir, "looks"))
	require.NoError(t, err)
	assert.Equal(t, fmt.Sprintf("prerotate %[1]s 644\npostrotate %[1]s 600 0\nlastaction %[1]s 600 0\n", path), string(looks))
}
