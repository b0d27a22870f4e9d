package series

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/core/sandbox"
)

// FuzzShownPolicy reads what a task may have written in the place of the policy that the
// logger shows: it is refused, or is a policy by which the sandbox can be read.
func FuzzShownPolicy(f *testing.F) {
	f.Add("# Written by sluice\n\"/x/stdout\" {\n    rotate 3\n    size 4096\n}\n")
	f.Add("/x/stdout {\n    compress\n    dateext\n    dateformat -%Y%m%d-%s\n    olddir old\n}")
	f.Add(" {\n    size 99999999999999999999\n    rotate -1\n    maxsize 1G\n}")
	f.Add(" {\n    olddir ../..\n    extension /etc\n}")
	f.Add(" {\n    addextension .gz\n    compressext .gz\n    start 2147483647\n    dateformat .%\n}")
	f.Add(" {\n}} {\n{")
	f.Fuzz(func(t *testing.T, untrusted string) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "stdout"+ConfSuffix), []byte(untrusted), 0o644))
		for _, name := range []string{"stdout", "stdout.1", "stdout.1.gz", "stdout-20260101", "stdout-20260101-1.gz"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte("a\n"), 0o644))
		}
		box, err := sandbox.Open(dir)
		require.NoError(t, err)
		defer box.Close()
		shown, err := ShownPolicy(box, "stdout")
		if err != nil {
			return
		}
		require.GreaterOrEqual(t, shown.LimitBytes, int64(0))
		s := New(box, "stdout", shown.Policy)
		defer s.Close()
		if shown.Policy.OldDir != "" {
			require.True(t, filepath.IsLocal(shown.Policy.OldDir), "%q", shown.Policy.OldDir)
		}
		listing, err := s.lookAnd(func(Listing) (bool, error) { return true, nil })
		require.NoError(t, err)
		for _, file := range listing.Files {
			require.True(t, filepath.IsLocal(file.Name), "%q", file.Name)
		}
	})
}
