package settings

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestDocumentedLimits does the sums of docs/limits.md, and has refused what it says
// cannot hold together.
func TestDocumentedLimits(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "docs", "limits.md"))
	require.NoError(t, err)
	var parameters []Parameter
	sums, refusals := 0, 0
	for i, part := range strings.Split(string(page), "```") {
		if i%2 == 0 {
			continue // not within a fence
		}
		kind, text, _ := strings.Cut(part, "\n")
		switch kind {
		case "parameters":
			require.Nil(t, parameters, "what %q keeps", parameters)
			parameters = documentedParameters(t, text)
		case "keeps":
			require.NotNil(t, parameters)
			m, _, err := ParseModule(parameters)
			require.NoError(t, err)
			most, bounded := Container{m.Stdout, m.Stderr}.MostBytes()
			keeps := "without bound"
			if bounded {
				keeps = strconv.FormatInt(most, 10)
			}
			require.Equal(t, strings.TrimSpace(text), keeps, "%v", parameters)
			parameters = nil
			sums++
		case "refused":
			given, message, found := strings.Cut(text, "=> ")
			require.True(t, found, text)
			_, _, err := ParseModule(documentedParameters(t, given))
			require.EqualError(t, err, strings.TrimSpace(message))
			refusals++
		default:
			require.Fail(t, "unknown block", kind)
		}
	}
	require.Equal(t, 4, sums)
	require.Equal(t, 4, refusals)
}

func documentedParameters(t *testing.T, text string) []Parameter {
	parameters := []Parameter{}
	for line := range strings.Lines(text) {
		key, value, found := strings.Cut(strings.TrimSpace(line), "=")
		require.True(t, found, line)
		parameters = append(parameters, Parameter{key, value})
	}
	return parameters
}
