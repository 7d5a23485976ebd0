package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// values returns n lines, of which each has been changed with a probability.
func values(n int, changed float64, seed uint64) []string {
	random := rand.New(rand.NewPCG(seed, 0))
	lines := make([]string, n)
	for i := range lines {
		if lines[i] = fmt.Sprintf("value %05d", i); random.Float64() < changed {
			lines[i] += fmt.Sprint(" of ", seed)
		}
		if i%50 == 0 {
			lines[i] = "}" // not unique
		}
	}
	return lines
}

// withPrefix returns the lines with one of the prefixes, without it.
func withPrefix(lines []string, prefixes string) []string {
	found := []string{}
	for _, line := range lines {
		if strings.Contains(prefixes, line[:1]) {
			found = append(found, line[1:])
		}
	}
	return found
}

func TestCompareHasAllLines(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 100, 3000} { // 3,000 lines are too long for the table
		for _, changed := range []float64{0, 0.001, 0.1, 1} {
			before, after := values(n, changed, 1), values(n+n/10, changed, 2)
			lines := compare(before, after)
			require.Equal(t, before, withPrefix(lines, " -"))
			require.Equal(t, after, withPrefix(lines, " +"))
			if changed == 0 {
				require.Len(t, lines, n+n/10)
			}
		}
	}
}

// Lines that moved or are not unique do not hide what is the same.
func TestCompareFindsFewDifferences(t *testing.T) {
	t.Parallel()
	before := values(12000, 0, 1)
	after := append([]string{"first"}, before...)
	after[6000] = "changed"
	after[9000], after[9001] = after[9001], after[9000]
	after = append(after, "last")
	lines := compare(before, after)
	require.Len(t, withPrefix(lines, "-"), 2)
	require.Len(t, withPrefix(lines, "+"), 4)
}

// The lines of two texts without a common line, and of two that are almost the same.
func BenchmarkDifference(b *testing.B) {
	for name, changed := range map[string]float64{"few": 0.001, "half": 0.5, "all": 1} {
		before, after := strings.Join(values(12000, changed, 1), "\n"), strings.Join(values(12000, changed, 2), "\n")
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				difference(before, after)
			}
		})
	}
}
