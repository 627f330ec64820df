package deadlettercmd

import (
	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/triage"
)

// Letter reads the letter of that name, for a command that is about one alone. If there is none it says so, and the error is
// [cli.ErrNone]; what else is wrong is an error for people.
func Letter(cmd *cobra.Command, cfg *config.Config, text string) (*triage.Letter, error) {
	names, err := parseNames(cmd, []string{text})
	if err != nil {
		return nil, err
	}
	conn, err := kafkafault.Connection(&cfg.Kafka, nil, func(err error) { cli.Complain(cmd, err.Error()) })
	if err != nil {
		return nil, err
	}
	box, err := openNamed(cmd, cfg, conn, names)
	if err != nil {
		return nil, err
	}
	defer box.close()
	letter, err := box.letter(cmd, names[0])
	if err == nil || len(box.missing) > 0 {
		return letter, err
	}
	o, err := absent(err)
	if err != nil {
		return nil, err
	}
	cli.Complain(cmd, text+": "+o.Detail)
	return nil, cli.ErrNone
}
