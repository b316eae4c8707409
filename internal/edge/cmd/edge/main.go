// Command edge runs a node of a managed reverse proxy until it is asked to stop.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/massif-cloud/terraform-provider-massif/internal/edge"
)

// version is set when the binary is built.
var version = "dev"

func main() {
	config := flag.String("config", "/etc/massif-edge.json", "file with the settings of the node")
	node := flag.String("node", "", "name of the node, instead of that in the settings")
	printVersion := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *printVersion {
		fmt.Println(version)
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := edge.Run(ctx, *config, *node, version); err != nil {
		fmt.Fprintln(os.Stderr, "edge:", err)
		os.Exit(1)
	}
}
