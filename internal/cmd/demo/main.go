// Command demo applies examples/web-agility from nothing to nothing: three Kubernetes clusters on the
// simulator in this process, or on the real cloud that -cloud names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	d := &demo{out: os.Stdout}
	flag.StringVar(&d.terraform, "terraform", "terraform", "the Terraform or OpenTofu `binary`")
	flag.StringVar(&d.example, "example", "web-agility", "the `folder` below examples to apply")
	flag.BoolVar(&d.keep, "keep", false, "leave everything running at the end, until Ctrl-C")
	flag.BoolVar(&d.verbose, "v", false, "show what Terraform prints")
	flag.StringVar(&d.cloud, "cloud", "", "apply to this `cloud` of clouds.yaml instead of the simulator")
	flag.Var(&d.vars, "var", "set a variable of the example, `NAME=VALUE`; may be repeated")
	latency := flag.Duration("latency", 0, "latency of each request to the simulator")
	realistic := flag.Bool("realistic", false, "let the simulator take the time that a real cloud takes")
	flag.Parse()
	if d.cloud == "" {
		d.options = &simulator.Options{Latency: *latency}
		if *realistic {
			d.options.Times = simulator.Realistic()
		}
	}
	begin := time.Now()
	if err := d.run(ctx); err != nil {
		fmt.Fprintf(os.Stderr, "\ndemo: %v\n", err)
		if errors.Is(ctx.Err(), context.Canceled) {
			os.Exit(130)
		}
		os.Exit(1)
	}
	fmt.Printf("\nDone in %s.\n", time.Since(begin).Round(100*time.Millisecond))
}
