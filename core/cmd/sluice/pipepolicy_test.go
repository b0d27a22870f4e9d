package main

import (
	"bytes"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// sluice pipe is started anew with another policy: what that keeps is the end of what was
// written under both, as logs prints it and verify sees it.
func TestPipeUnderAnotherPolicy(t *testing.T) {
	policies := []string{
		"rotate 9", "rotate 9\ncompress", "rotate 9\ncompress\ndelaycompress", "rotate 9\ncompress\ncompresscmd zstd",
		"rotate 9\ndateext", "rotate 9\ndateext\ndateformat .%s\ncompress", "rotate 2",
	}
	for _, first := range policies {
		for _, second := range policies {
			t.Run(strings.NewReplacer("\n", ",", " ", "_").Replace(first+" to "+second), func(t *testing.T) {
				path := filepath.Join(openDir(t), "a")
				var written bytes.Buffer
				for part, options := range []string{first, second} {
					var text bytes.Buffer
					for i := part * 3000; i < 3000+part*1400; i++ {
						fmt.Fprintf(&text, "%07d\n", i)
					}
					written.Write(text.Bytes())
					cmd := process("pipe", "--log_filename="+path, "--max_size=8KB", "--logrotate_options="+options)
					cmd.Stdin = &text
					out, err := cmd.CombinedOutput()
					require.NoError(t, err, "%s", out)
				}
				status, out, errOut := sluice("logs", path)
				require.Zero(t, status, errOut)
				require.True(t, bytes.HasSuffix(written.Bytes(), []byte(out)), "the end of what was written")
				least := written.Len()
				if first == "rotate 2" || second == "rotate 2" {
					least = 2 * 8000
				}
				assert.GreaterOrEqual(t, len(out), least)
			})
		}
	}
}
