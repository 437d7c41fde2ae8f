"""What is true and what may happen: values in, values out.

Nothing in here touches the world. No clock is read, no file opened, no random number drawn and no third-party package
imported; whatever an area needs of these comes in as an argument. That is what makes a decision repeatable: the same
facts under the same rulebook give the same answer on any machine, today and in ten years.
"""
