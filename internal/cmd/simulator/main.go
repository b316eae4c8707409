// Command simulator runs an OpenStack in memory until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/massif-cloud/terraform-provider-massif/internal/simulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "simulator:", err)
		os.Exit(1)
	}
}

// run serves until the context ends.
func run(ctx context.Context, arguments []string, out, logs io.Writer) (err error) {
	flags := flag.NewFlagSet("simulator", flag.ContinueOnError)
	flags.SetOutput(logs)
	var options simulator.Options
	flags.StringVar(&options.Listen, "listen", "127.0.0.1:0", "address of the HTTP port")
	flags.DurationVar(&options.Latency, "latency", 0, "time added to each request, such as 50ms")
	flags.StringVar(&options.StateFile, "state", "", "file that keeps the cloud between runs")
	flags.StringVar(&options.PublicCIDR, "public", "", "subnet of the external network (default 127.203.0.0/16)")
	times := flags.String("times", "", "how long changes take: fast, realistic or a list such as server_boot=3s,load_balancer=2s (default fast)")
	clouds := flags.String("clouds", "clouds.yaml", "where to write clouds.yaml, - for the standard output")
	verbose := flags.Bool("v", false, "log each request")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if options.Times, err = parseTimes(*times); err != nil {
		return err
	}
	if *verbose {
		options.Logger = slog.New(slog.NewTextHandler(logs, nil))
	}
	cloud, err := simulator.Run(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cloud.Close()) }()
	if err := announce(out, cloud, *clouds); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// parseTimes reads the flag -times; a list changes what it names and leaves the rest fast, and
// may begin with "realistic".
func parseTimes(list string) (simulator.Times, error) {
	var times simulator.Times
	for _, item := range strings.Split(list, ",") {
		name, value, isPair := strings.Cut(strings.TrimSpace(item), "=")
		switch {
		case isPair:
			if err := times.Set(name, value); err != nil {
				return times, err
			}
		case name == "realistic":
			times = simulator.Realistic()
		case name != "" && name != "fast":
			return times, fmt.Errorf("-times: want fast, realistic or NAME=DURATION, not %q", item)
		}
	}
	return times, nil
}

// announce writes clouds.yaml and says how to use the cloud.
func announce(out io.Writer, cloud *simulator.Simulator, clouds string) error {
	if clouds == "-" {
		_, err := out.Write(cloud.CloudsYAML())
		return err
	}
	if err := os.WriteFile(clouds, cloud.CloudsYAML(), 0o600); err != nil {
		return fmt.Errorf("clouds.yaml: %w", err)
	}
	_, err := fmt.Fprintf(out, `OpenStack simulator at %[1]s

  export OS_CLIENT_CONFIG_FILE=%[2]s OS_CLOUD=demo     (also demo2, admin, demo-reader; password %[3]s)

  curl %[4]s/simulator/requests              what was asked; -X DELETE empties the log
  curl %[4]s/simulator/leftovers             what the projects still own
  curl %[4]s/simulator/options               latency and times; -X PUT -d '{"latency":"50ms","times":{"server_boot":"5s"}}'
  curl %[4]s/simulator/faults -d '{"service":"network","path":"ports","status":503,"count":2}'

Ctrl-C ends it.
`, cloud.AuthURL(), clouds, simulator.Password, cloud.URL())
	return err
}
