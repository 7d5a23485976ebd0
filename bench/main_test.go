package bench

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"testing"

	"github.com/apono-go/apono/bench/server"
)

// addresses are where the server is.
var addresses server.Addresses

// isServer has the test binary be the server.
const isServer = "BENCH_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(isServer) != "" {
		if err := server.Run(os.Stdin, os.Stdout); err != nil {
			log.Fatal(err)
		}
		return
	}
	os.Exit(run(m))
}

// run runs the benchmarks beside a server.
func run(m *testing.M) int {
	cmd := exec.Command(must(os.Executable()))
	cmd.Env, cmd.Stderr = append(os.Environ(), isServer+"=1"), os.Stderr
	input := must(cmd.StdinPipe())
	output := must(cmd.StdoutPipe())
	check(cmd.Start())
	defer func() {
		_ = input.Close() // which ends it
		_ = cmd.Wait()
	}()
	check(json.NewDecoder(output).Decode(&addresses))
	fmt.Println("goversion: " + runtime.Version()) // for benchstat
	return m.Run()
}

// must and check are for what has to work before anything can be measured.
func must[T any](value T, err error) T {
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
