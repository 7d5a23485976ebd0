package bench

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkProgram measures size and initialization of minimal programs with and
// without the package.
func BenchmarkProgram(b *testing.B) {
	for _, client := range []string{"plain", "sdk"} {
		b.Run("client="+client, func(b *testing.B) {
			program := filepath.Join(b.TempDir(), client)
			out, err := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "./minimal/"+client).CombinedOutput()
			require.NoErrorf(b, err, "%v: %s", err, out)
			file := must(os.Stat(program))
			initialization := 0.0
			for b.Loop() {
				cmd := exec.CommandContext(b.Context(), program)
				cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
				out, err := cmd.CombinedOutput()
				require.NoErrorf(b, err, "%v: %s", err, out)
				initialization += milliseconds(string(out))
			}
			b.ReportMetric(initialization/float64(b.N), "init-ms")
			b.ReportMetric(float64(file.Size())/1e6, "program-MB")
		})
	}
}

// milliseconds returns the sum of the times in lines such as
// "init net/http @0.61 ms, 0.024 ms clock, 6720 bytes, 120 allocs".
func milliseconds(trace string) (sum float64) {
	for line := range strings.Lines(trace) {
		if fields := strings.Fields(line); len(fields) > 4 && fields[0] == "init" {
			sum += must(strconv.ParseFloat(fields[4], 64))
		}
	}
	return sum
}
