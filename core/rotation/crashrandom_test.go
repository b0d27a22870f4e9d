package rotation

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// crashCombinations are killed in one run.
const crashCombinations = 40

// TestCrashOfRandomCombinations is the matrix for policies and histories that nobody
// thought of: every step of one rotation of each.
func TestCrashOfRandomCombinations(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(seedVariable); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err)
	}
	t.Logf("%s=%d", seedVariable, seed)
	for i := range crashCombinations {
		if only := os.Getenv(combinationVariable); only != "" && only != strconv.Itoa(i) {
			continue
		}
		g := &gamble{rand.New(rand.NewPCG(seed, uint64(i)))}
		c := g.combination()
		c.Name = fmt.Sprintf("%s=%d %s=%d", seedVariable, seed, combinationVariable, i)
		t.Run(strconv.Itoa(i), func(t *testing.T) {
			t.Log(c.Name)
			t.Logf("%+v", c.InitialFiles)
			probe := startReplay(t, c)
			require.NoError(t, probe.refusal)
			if probe.policy.Rotate < 0 && probe.policy.Start == 0 {
				t.Skip("every rotation overwrites the last file, as logrotate's does, and one that was killed does so again")
			}
			want, points := uncrashed(probe)
			rotation := g.IntN(len(c.Rotations))
			for point := 1; point <= points[rotation]; point++ {
				crash(t, c, want, rotation, point, g.chance(50))
			}
		})
	}
}
