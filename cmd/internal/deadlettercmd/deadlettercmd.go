// Package deadlettercmd is the command deadletter and those under it, a file each: they show dead letters, repair them, and
// see to it that each is replayed or discarded once.
//
// What they find out about letters is package triage's, and what they show of it is its package view's. Those that resolve
// letters share one way of working (work.go): first a plan, then a question, then the letters that the plan was of, and no others. What they
// have said they have done is done, and what they were stopped in, the same command does when it is run again.
package deadlettercmd

import (
	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

// New returns the command with those under it.
func New() *cobra.Command {
	return cli.Group(&cobra.Command{
		Use:   "deadletter",
		Short: "See, repair, replay and discard dead letters",
		Long: `What could not be delivered lies in a dead-letter topic: the record as it was, and why. These commands show what
happened, repair values, and write them to the replay topic, from which the pipeline delivers them.

A letter's name is TOPIC/PARTITION/OFFSET in its dead-letter topic. A letter is pending until it is replayed or
discarded; who did that, when and in which run is kept in the topic DEAD-LETTER-TOPIC.resolutions. A letter is replayed
once, whatever happens meanwhile: the same command run again goes on where it was stopped.

Without --topic, all dead-letter topics of the configuration are read.

Exit codes: 0 done, 1 some letters could not be done, 2 could not do what was asked, 3 no letter matches.`,
		Example: `  battlereport deadletter stats -c battlereport.yaml
  battlereport deadletter watch -c battlereport.yaml
  battlereport deadletter list -c battlereport.yaml --reason rejected --since 2h
  battlereport deadletter show -c battlereport.yaml battle-reports.dlq/3/1042
  battlereport deadletter replay -c battlereport.yaml --ret -1011 --jq '.baseinfo.platid |= tonumber'
  battlereport deadletter discard -c battlereport.yaml --openid robot-1 --because 'load test'`,
	},
		statsCommand(),
		watchCommand(),
		listCommand(),
		showCommand(),
		replayCommand(),
		discardCommand(),
		exportCommand(),
		importCommand(),
	)
}
