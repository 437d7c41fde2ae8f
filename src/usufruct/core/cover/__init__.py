"""Cover: levies on what work earns, and what they give a right to. It is the person's, whomever she works for.

A scheme says who pays how much of what, where it goes, and what it gives a right to. Both shapes are here: the person's own
account, which is hers wherever she works, and the pooled fund, which insures. Either alone is half a scheme: an account of
one payer cannot be carried elsewhere, and without a pool nobody is insured.
"""
