package series

import (
	"bytes"
	"io"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestExpandsWhatTheProgramsWrite reads what xz and bzip2 make, and refuses an xz file
// that asks for more memory than a log needs: the file is the task's.
func TestExpandsWhatTheProgramsWrite(t *testing.T) {
	text := strings.Repeat("a line that repeats\n", 50_000)
	for _, command := range []string{"xz -c", "xz -9 -c", "xz -T2 --block-size=100KiB -c", "bzip2 -c", "xz --lzma2=dict=1GiB -c"} {
		words := strings.Fields(command)
		if _, err := exec.LookPath(words[0]); err != nil {
			t.Logf("missing program: %s", words[0])
			continue
		}
		program := exec.Command(words[0], words[1:]...)
		program.Stdin = strings.NewReader(text)
		packed, err := program.Output()
		require.NoError(t, err, command)
		content, err := Expand(bytes.NewReader(packed))
		if err == nil {
			var got []byte
			if got, err = io.ReadAll(content); err == nil {
				require.Equal(t, text, string(got), command)
			}
			require.NoError(t, content.Close())
		}
		if strings.Contains(command, "GiB") {
			require.ErrorIs(t, err, ErrDamaged, command)
			continue
		}
		require.NoError(t, err, command)
		for _, cut := range []int{5, len(packed) / 2, len(packed) - 1} {
			content, err := Expand(bytes.NewReader(packed[:cut]))
			if err == nil {
				_, err = io.ReadAll(content)
			}
			require.ErrorIs(t, err, ErrDamaged, "%s, cut at %d", command, cut)
		}
	}
}
