//go:build unix

package main

import (
	"os/exec"
	"syscall"
)

// alone puts the command in a process group of its own: Ctrl-C in the terminal would reach it there, and again through
// the context, and Terraform gives up its state at the second interrupt.
func alone(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
}
