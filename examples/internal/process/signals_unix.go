//go:build unix

package process

import "syscall"

func init() { dispositions = append(dispositions, syscall.SIGHUP, syscall.SIGQUIT) }
